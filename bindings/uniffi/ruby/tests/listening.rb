# frozen_string_literal: true

# Objects that hear messages and events, and how long.
require 'dmagent'

include Dmagent

class Ear < MessageListener
  def initialize(heard)
    super()
    @heard = heard
  end

  def on_message(message) = @heard << message.content
end

class Watch < EventListener
  def initialize(heard)
    super()
    @heard = heard
  end

  def on_event(event) = @heard << event
end

# In a thread of its own, whose stack is gone afterwards.
def listen_and_forget(node, messages, events)
  Thread.new do
    node.on_message(Ear.new(messages))
    node.on_event(Watch.new(events))
  end.join
end

def forgotten_objects = ObjectSpace.each_object(Listening).count

# The URL of a node that listens, and that nobody has any more.
def forgotten_listener
  Thread.new do
    forgotten = node('forgotten')
    forgotten.on_message(Ear.new([]))
    forgotten.on_event(Watch.new([]))
    forgotten.info.url
  end.value
end

def listening(suite)
  suite.test('listeners hear messages and events until they are cancelled') do
    pair do |alice, bob|
      messages = Thread::Queue.new
      events = Thread::Queue.new
      listening = bob.on_message(Ear.new(messages))
      watching = bob.on_event(Watch.new(events))
      alice.tell(bob.agent_id, 'heard')
      same messages.pop, 'heard'
      nil until events.pop.is_a?(Event::MESSAGE_RECEIVED)
      listening.cancel
      watching.cancel
      alice.tell(bob.agent_id, 'for the inbox')
      bob.receive.handle { |message| same message.content, 'for the inbox' }
    end
  end

  suite.test('a node holds its listeners') do
    pair do |alice, bob|
      messages = Thread::Queue.new
      events = Thread::Queue.new
      before = forgotten_objects
      listen_and_forget(bob, messages, events)
      GC.start while forgotten_objects > before
      10.times do |number|
        alice.tell(bob.agent_id, number.to_s)
        same messages.pop, number.to_s
        nil until events.pop.is_a?(Event::MESSAGE_RECEIVED)
      end
    end
  end

  suite.test('listeners alone keep no node') do
    url = forgotten_listener
    node('alice') do |alice|
      loop do
        GC.start
        alice.connect(url)
      rescue DmError::UnreachableError
        break
      rescue DmError::RefusedError => e
        # It is about to end and accepts nobody any more.
        same e.code, Code::INACTIVE
      end
    end
  end

  suite.test('a listener that fails is told of') do
    failing = Class.new(MessageListener) do
      def initialize(heard)
        super()
        @heard = heard
      end

      def on_message(message)
        @heard << message.redeliveries
        raise 'boo' if message.redeliveries.zero?
      end
    end
    pair do |alice, bob|
      said = warned do
        heard = Thread::Queue.new
        listening = bob.on_message(failing.new(heard))
        alice.tell(bob.agent_id, 'hello')
        same [heard.pop, heard.pop], [0, 1]
        listening.cancel
      end
      check said.include?('on_message of') && said.include?('boo'), said
    end
  end
end
