# frozen_string_literal: true

# What a node yields one after another: messages and events.
module Dmagent
  class Handout
    # Waits for the message and takes it; nil when none came in time. Whatever interrupts this gives the message back. Between
    # here and the line of yours that handles it an interruption may still come by; then the message is given back when it is
    # collected as garbage. `lend` has no such gap.
    def await
      whole = false
      taken = nil
      wait
      # The message has its name before an interruption comes by.
      Thread.handle_interrupt(Object => :never) { taken = take }
      whole = true
      taken
    ensure
      give_back(taken) unless whole
    end

    # Waits for the message, lends it to the block as `Message#handle` does, and returns what the block returns; nil when none
    # came in time. Whatever interrupts this, the message is settled or given back.
    def lend(&block)
      taken = nil
      wait
      Thread.handle_interrupt(Object => :never) { taken = take }
      taken&.handle(&block)
    ensure
      give_back(taken)
    end

    private

    def give_back(taken)
      if taken.nil?
        cancel
      elsif !taken.settled
        taken.release
      end
    end
  end

  class Message
    # Lends the message to a block and acknowledges it when the block returns, at its end or with `next`, unless the block has
    # settled it. When the block fails the message is given back and comes again after a pause that doubles each time. When
    # the block is left in any other way (`Timeout`, `throw`, `break`, `return`, a thread that is killed), it comes again at
    # once: Ruby does not tell an interruption from a `break`. Before a `break` of yours call `acknowledge`.
    def handle
      result = yield self
      acknowledge unless settled
      result
    rescue StandardError
      release_after_failure unless settled
      raise
    ensure
      # What was thrown or killed comes by without an exception.
      release unless settled
    end
  end

  class Inbox
    include Enumerable

    # The next message; nil when none comes within `timeout` seconds. With a block the message is lent to it, as by
    # `Message#handle`: then not even an interruption keeps it from the inbox.
    def receive(timeout: nil, &block) = block ? self.next(timeout).lend(&block) : self.next(timeout).await

    # Each message, until the node closes. Without a block an Enumerator. `handle` the messages.
    def each
      return enum_for(:each) unless block_given?

      # Not `loop`, which ends at a StopIteration of the block.
      while true
        message = begin
          receive
        rescue DmError::ClosedError
          return self
        end
        yield message if message
      end
    end
  end

  class Events
    include Enumerable

    # Each event, until the node closes. Without a block an Enumerator.
    def each
      return enum_for(:each) unless block_given?

      while wait
        event = take
        yield event if event
      end
      self
    end
  end
end
