# frozen_string_literal: true

# Two agents in one process ask and answer: `ruby two_agents.rb`.
require 'dmagent'

# Answers questions until somebody says goodbye.
def answer(node)
  node.each_message do |message|
    if message.content == 'Goodbye'
      # A message that is left with `break` would come again.
      message.acknowledge
      break
    end

    puts "bob is asked: #{message.content}"
    message.reply('42')
  end
end

def agent(name, &block)
  Dmagent::Node.start(preset: Dmagent::Preset::EPHEMERAL, display_name: name, http: true, &block)
end

agent('alice') do |alice|
  agent('bob') do |bob|
    answering = Thread.new { answer(bob) }
    peer = alice.connect(bob.info.url)
    puts "alice is #{Dmagent.word(Dmagent::PeerState, peer.state)}"

    alice.ask(peer.agent_id, 'What is the answer?').handle { |reply| puts "alice hears: #{reply.content}" }

    trusted = alice.trust.set(agent: peer.agent_id, score: 0.8, note: 'answers questions')
    puts "alice trusts bob: #{trusted.score}"
    alice.tell(peer.agent_id, 'Goodbye')
    answering.join
  end
end
