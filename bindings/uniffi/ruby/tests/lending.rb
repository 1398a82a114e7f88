# frozen_string_literal: true

# What becomes of a message that is lent to a block, in each way in which a block is entered and left.

# Each way in which a program is lent a message; the last is an Enumerator from outside.
LENT = {
  'handle' => ->(bob, &block) { bob.receive.handle(&block) },
  'receive' => ->(bob, &block) { bob.receive(&block) },
  'each_message' => ->(bob, &block) { bob.each_message(&block) },
  'inbox.each' => ->(bob, &block) { bob.inbox.each { |message| message.handle(&block) } },
  'each_message.next' => ->(bob, &block) { bob.each_message.next.handle(&block) },
  'lazy' => ->(bob, &block) { bob.inbox.lazy.map { |message| message.handle(&block) }.first(1) }
}.freeze

# Each way in which a block is left before its end without a failure. What waits, waits until it is interrupted.
LEFT = {
  'Timeout' => ->(bob, lent) { timed_out(bob, lent) },
  'throw' => ->(bob, lent) { catch(:enough) { lent.call(bob) { throw :enough } } },
  'break' => ->(bob, lent) { broken(bob, lent) },
  'kill' => ->(bob, lent) { ended(bob, lent, &:kill) },
  'an exception that is no failure' => lambda { |bob, lent|
    fails(Interrupt) { ended(bob, lent) { |thread| thread.raise(Interrupt, 'enough') } }
  }
}.freeze

# A time limit that passes while the block has the message; one that was too early is another try.
def timed_out(bob, lent)
  begun = false
  until begun
    fails(Timeout::Error) do
      Timeout.timeout(0.5) do
        lent.call(bob) do
          begun = true
          Thread::Queue.new.pop
        end
      end
    end
  end
end

def broken(bob, lent)
  # What `break` leaves is the method that the block is given to.
  each_lent(bob, lent) { break }
end

def each_lent(bob, lent)
  lent.call(bob) { |message| yield message }
end

# A thread that is lent a message, and ended while it has it.
def ended(bob, lent)
  has = Thread::Queue.new
  thread = Thread.new do
    lent.call(bob) do |message|
      has << message.content
      Thread::Queue.new.pop
    end
  end
  has.pop
  yield thread
  thread.join
end

def lending(suite)
  LENT.each do |name, lent|
    suite.test("#{name} gives back at once what it was interrupted with") do
      pair do |alice, bob|
        LEFT.each do |why, left|
          alice.tell(bob.agent_id, why)
          left.call(bob, lent)
          # It is there without a pause.
          message = bob.receive(timeout: 0)
          check message, "#{why} took the message with it"
          message.handle { same [message.content, message.redeliveries.positive?], [why, true] }
        end
        same bob.receive(timeout: 0), nil
      end
    end

    suite.test("#{name} gives back what fails, and acknowledges what returns") do
      pair do |alice, bob|
        alice.tell(bob.agent_id, 'fails')
        fails(IndexError) { lent.call(bob) { raise IndexError, 'no' } }
        fails(IndexError) { ended(bob, lent) { |thread| thread.raise(IndexError, 'no') } }
        bob.receive { |message| same [message.content, message.redeliveries], ['fails', 2] }
        alice.tell(bob.agent_id, 'returns')
        # The second message ends those that go on.
        alice.tell(bob.agent_id, 'ends')
        catch(:enough) do
          2.times do
            lent.call(bob) do |message|
              next 'early' if message.content == 'returns'

              same [message.content, message.redeliveries], ['ends', 0]
              message.acknowledge
              throw :enough
            end
          end
        end
        same bob.messages.list.select { |message| message.kind == MessageKind::PEER }, []
      end
    end
  end
end
