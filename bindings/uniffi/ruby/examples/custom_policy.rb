# frozen_string_literal: true

# An agent that decides for itself whom it talks to: `ruby custom_policy.rb`.
require 'dmagent'
require 'json'

# Lets friends in, takes no advertisements, and does not disturb the agent with chatter.
#
# A method that raises or takes too long means the safe answer: a connection waits for a decision, and a message stays with
# its sender.
class Doorkeeper < Dmagent::HostPolicy
  def initialize(friends)
    super()
    @friends = friends
  end

  def admit_connection(question)
    # The id is proven; the name is whatever the other side likes.
    return Dmagent::ConnectionVerdict::ACCEPT.new if @friends.include?(question.agent_id)

    Dmagent::ConnectionVerdict::REFUSE.new(reason: 'I only talk to friends')
  end

  def admit_message(question)
    return super unless question.content.downcase.include?('buy now')

    Dmagent::MessageVerdict::REFUSE.new(reason: 'No advertisements')
  end

  def route(question)
    JSON.parse(question.metadata)['type'] == 'chatter' ? Dmagent::RouteVerdict::DROP.new : super
  end
end

alice, mallory, bob = %w[alice mallory bob].map do |name|
  Dmagent::Node.start(preset: Dmagent::Preset::EPHEMERAL, display_name: name, http: true)
end
bob.set_policy(Doorkeeper.new([alice.agent_id]))

url = bob.info.url
begin
  mallory.connect(url)
rescue Dmagent::DmError::RefusedError => e
  puts "mallory is refused: #{e.failure.name}"
end
peer = alice.connect(url)
puts "alice is #{Dmagent.word(Dmagent::PeerState, peer.state)}"

advertisement = alice.tell(peer.agent_id, 'Buy now!')
puts "the advertisement is #{Dmagent.word(Dmagent::DeliveryState, advertisement.state)}"
alice.tell(peer.agent_id, 'Nice weather', metadata: { type: 'chatter' })
alice.tell(peer.agent_id, 'Your house is on fire')
bob.receive.handle { |message| puts "bob reads: #{message.content}" }

[alice, mallory, bob].each(&:close)
