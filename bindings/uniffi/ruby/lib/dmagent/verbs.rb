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
      Messages => { send: SendArgs, ask: AskArgs, broadcast: BroadcastArgs, forward: ForwardArgs, next: NextArgs,
                    acknowledge: SequenceArgs, release: ReleaseArgs, cancel: CancelArgs, ask_stream: AskArgs,
                    next_part: NextPartArgs, part: PartArgs, finish: FinishArgs, log: LogArgs, context: ContextArgs, status: MessageArgs, until: UntilArgs,
                    sent: NewestArgs, receipts: NewestArgs, verify: VerifyReceiptArgs },
      Trust => { get: AgentArgs, set: SetTrustArgs, forget: AgentArgs, ask: AskOpinionArgs },
      Rules => { set: RulesArgs, test: TryArgs },
      Groups => { set: SetGroupArgs, remove: GroupArgs, find: MembersArgs, send: GroupSendArgs },
      Passport => { sign: SignArgs, verify: VerifyArgs },
      Node => { update: UpdateArgs, inbox: NextArgs }
    }.freeze

    # Members that are lists.
    LISTS = { SendArgs => %i[to], ForwardArgs => %i[to], NextArgs => %i[from kinds], SetGroupArgs => %i[members],
              MembersArgs => %i[to], GroupSendArgs => %i[to] }.freeze
    # Members that are JSON.
    JSONS = %i[metadata match].freeze

    # The record of these keywords. One agent stands for a list of one, a Hash for JSON.
    def self.record(kind, members)
      given = members.dup
      JSONS.each { |name| given[name] = json(given[name]) if given.key?(name) }
      LISTS.fetch(kind, []).each { |name| given[name] = Array(given[name]) if given.key?(name) }
      kind.new(**given)
    end

    # A Hash as JSON; what is text is JSON already.
    def self.json(value) = value.is_a?(Hash) ? JSON.generate(value) : value

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

  # What a message adds.
  module Replying
    # Answers the sender. Whoever answers every answer never stops: answer questions, and only read what has an `in_reply_to`.
    # The options are those of `messages.send`; with `caused_by: sequence` the answer works under what is left of the limits of
    # this message.
    def reply(content, cancel = nil, metadata: nil, expires_in_secs: nil, hops: nil, timeout_secs: nil,
              idempotency_key: nil, caused_by: nil, spend: nil, budget: nil, deadline: nil, traceparent: nil,
              tracestate: nil)
      super(content, Keywords.json(metadata), expires_in_secs, hops, timeout_secs, idempotency_key, caused_by, spend,
            budget, deadline, traceparent, tracestate, cancel)
    end
  end
  private_constant :Replying
  Message.prepend(Replying)

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
