# frozen_string_literal: true

# Verbs take their arguments as keywords: `node.peers.connect(url: "http://…")` is
# `node.peers.connect(ConnectArgs.new(url: "http://…"))`. Metadata may be a Hash.
require 'json'

module Dmagent
  # Turns keywords into the record that a verb takes.
  module Keywords
    # The record that each verb takes.
    TAKEN = {
      Peers => { connect: ConnectArgs, get: AgentArgs, accept: RequestArgs, reject: RequestArgs,
                 disconnect: DisconnectArgs, block: BlockArgs, unblock: AgentArgs, of: PeersOfArgs },
      Messages => { send: SendArgs, ask: AskArgs, broadcast: BroadcastArgs, next: NextArgs, acknowledge: SequenceArgs,
                    release: ReleaseArgs, log: LogArgs, context: ContextArgs },
      Trust => { get: AgentArgs, set: SetTrustArgs, forget: AgentArgs, ask: AskOpinionArgs },
      Rules => { set: RulesArgs, test: TryArgs },
      Passport => { sign: SignArgs, verify: VerifyArgs },
      Node => { update: UpdateArgs }
    }.freeze

    # The record of these keywords. One agent stands for a list of one, a Hash for JSON.
    def self.record(kind, members)
      given = members.dup
      given[:metadata] = JSON.generate(given[:metadata]) if given[:metadata].is_a?(Hash)
      given[:to] = Array(given[:to]) if kind == SendArgs && given.key?(:to)
      kind.new(**given)
    end

    TAKEN.each do |noun, verbs|
      noun.prepend(Module.new do
        verbs.each do |verb, kind|
          define_method(verb) do |arguments = nil, *rest, **members|
            super(arguments || Keywords.record(kind, members), *rest)
          end
        end
      end)
    end
  end

  # The word of an enumeration that a number stands for, as in the schema: `Dmagent.word(Dmagent::PeerState, peer.state)`.
  def self.word(kind, number)
    kind.constants.find { |name| kind.const_get(name) == number }.to_s.downcase
  end

  # A policy that leaves everything to the settings. Override what you decide.
  class HostPolicy < Policy
    def admit_connection(_question) = ConnectionVerdict::DEFAULT.new

    def admit_message(_question) = MessageVerdict::ACCEPT.new

    def route(_question) = RouteVerdict::DEFAULT.new
  end
end
