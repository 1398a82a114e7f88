# frozen_string_literal: true

# What calls are given: options, and what is refused.
require 'dmagent'

include Dmagent

# Runs the block, which must fail because of an argument, and returns the sentence.
def refused
  error = fails(DmError::InvalidInputError) { yield }
  same error.code, Code::INVALID_ARGUMENT
  error.failure.message
end

def options(suite)
  suite.test('an answer has the options of a message') do
    pair do |alice, bob|
      question = alice.tell(bob.agent_id, 'question', hops: 7, timeout_secs: 5, expires_in_secs: 60)
      bob.receive do |message|
        same message.hops_remaining, 7
        message.reply('answer', metadata: { type: 'answer' }, expires_in_secs: 60, hops: 3, timeout_secs: 5)
      end
      alice.receive do |answer|
        same [answer.content, answer.hops_remaining, answer.in_reply_to], ['answer', 3, question.message_id]
        same JSON.parse(answer.metadata)['type'], 'answer'
        answer.reply('thanks', metadata: '{"type": "text"}')
      end
      # What is not said is as the core has it.
      bob.receive { |message| same [message.hops_remaining, JSON.parse(message.metadata)['type']], [10, 'text'] }
    end
  end

  suite.test('an option of an answer is checked') do
    pair do |alice, bob|
      alice.tell(bob.agent_id, 'question')
      bob.receive do |message|
        { hops: 51, expires_in_secs: 86_401, timeout_secs: -1, metadata: '[]' }.each do |name, wrong|
          said = refused { message.reply('x', **{ name => wrong }) }
          check said.include?(name.to_s), said
        end
        fails(ArgumentError) { message.reply('x', in_reply_to: 'another') }
      end
    end
  end

  suite.test('the shortcuts have the options of their verbs') do
    pair do |alice, bob|
      first = alice.tell(bob.agent_id, 'first').message_id
      alice.tell(bob.agent_id, 'second', in_reply_to: first)
      bob.receive(in_reply_to: first) { |message| same message.content, 'second' }
      same bob.receive(timeout: 0, from: bob.agent_id), nil
      same bob.receive(timeout: 0, kinds: MessageKind::STRANGER), nil
      bob.receive(from: [alice.agent_id], kinds: [MessageKind::PEER]) { |message| same message.content, 'first' }
      asking = Thread.new { alice.ask(bob.agent_id, '?', metadata: { type: 'riddle' }, in_reply_to: first, timeout_secs: 60) }
      bob.receive do |message|
        same [JSON.parse(message.metadata)['type'], message.in_reply_to], ['riddle', first]
        message.reply('!')
      end
      asking.value.handle { |answer| same answer.content, '!' }
    end
  end
end

def refusals(suite)
  suite.test('a number that is not finite is refused by its name') do
    pair do |alice, bob|
      to = bob.agent_id
      alice.tell(to, 'question')
      message = bob.receive
      [Float::NAN, Float::INFINITY, -Float::INFINITY].each do |number|
        { timeout_secs: [-> { alice.receive(timeout: number) }, -> { alice.each_message(timeout_secs: number) { raise } },
                         -> { alice.messages.next(timeout_secs: number) }, -> { alice.ask(to, 'x', timeout_secs: number) },
                         -> { alice.tell(to, 'x', timeout_secs: number) }, -> { message.reply('x', timeout_secs: number) }],
          expires_in_secs: [-> { alice.tell(to, 'x', expires_in_secs: number) },
                            -> { message.reply('x', expires_in_secs: number) }],
          score: [-> { alice.trust.set(agent: to, score: number) }],
          delay_secs: [-> { alice.messages.release(sequence: 1, delay_secs: number) }, -> { message.release(number) }] }
          .each do |name, calls|
            calls.each do |call|
              said = refused(&call)
              check said.start_with?("#{name} must be"), said
            end
          end
      end
      message.handle { nil }
    end
  end

  suite.test('a number that stands for no word is refused') do
    said = refused { Node.start(preset: 99) }
    check said.start_with?('99 is no Dmagent::Preset') && said.include?('Dmagent::Preset::AGENT'), said
    [-> { Node.with_json('{}', 4) }, -> { Node.start(preset: 'agent') }, -> { Node.start(router_mode: 99) },
     -> { Node.start(routing_rules: [RoutingRule.new(rule_id: 'x', action: 99)]) },
     -> { Dmagent.set_log(9, nil) }, -> { Dmagent.set_log(nil, nil) }].each { |call| refused(&call) }
    node('alice') do |alice|
      [-> { alice.receive(kinds: [3]) }, -> { alice.messages.next(kinds: [-1]) }, -> { alice.inbox(kinds: [nil]) }]
        .each { |call| check refused(&call).include?('Dmagent::MessageKind::PEER') }
    end
  end

  suite.test('an object without the methods is refused') do
    said = refused { Dmagent.set_log(LogLevel::ERROR, Object.new) }
    check said.include?('take'), said
    # It takes something else.
    refused { Dmagent.set_log(LogLevel::ERROR, []) }
    node('alice') do |alice|
      deaf = Class.new { def on_message; end }.new
      { set_policy: [Object.new, HostPolicy, 42], on_message: [Object.new, nil, deaf, MessageListener],
        on_event: [Object.new, nil, ->(_event) {}] }.each do |name, objects|
        objects.each { |object| check refused { alice.public_send(name, object) }.include?('must be an object that has') }
      end
    end
  end

  suite.test('a StopIteration of the block is an error of the block') do
    pair do |alice, bob|
      [-> { bob.each_message { raise StopIteration } }, -> { bob.inbox.each { raise StopIteration } }].each do |each|
        alice.tell(bob.agent_id, 'stop')
        fails(StopIteration, &each)
      end
    end
  end

  suite.test('a policy decides what it has a method for') do
    filter = Class.new do
      def admit_message(question)
        question.content.include?('buy') ? MessageVerdict::REFUSE.new(reason: 'no') : MessageVerdict::ACCEPT.new
      end
    end
    pair do |alice, bob|
      bob.set_policy(filter.new)
      same alice.tell(bob.agent_id, 'buy this').state, DeliveryState::REFUSED
      same alice.tell(bob.agent_id, 'fire').state, DeliveryState::ACCEPTED
      bob.receive { |message| same message.content, 'fire' }
    end
  end
end
