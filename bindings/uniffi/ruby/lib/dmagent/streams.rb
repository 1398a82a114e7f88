# frozen_string_literal: true

# What a node yields one after another: messages and events.
module Dmagent
  class Handout
    # Waits for the message and takes it; nil when none came in time. Whatever interrupts this gives the message back.
    def await
      wait
      taken = take
    ensure
      cancel unless taken
    end
  end

  class Message
    # Lends the message to a block and acknowledges it then, also when the block is left with `break`, unless the block has
    # settled it. When the block fails the message is given back and comes again after a pause that doubles each time; when it
    # is interrupted, at once.
    def handle
      failed = false
      yield self
    rescue StandardError
      failed = true
      release_after_failure unless settled
      raise
    rescue Exception
      failed = true
      release unless settled
      raise
    ensure
      # A thread that is killed comes by without an exception.
      unless failed || settled
        Thread.current.status == 'aborting' ? release : acknowledge
      end
    end
  end

  class Inbox
    include Enumerable

    # The next message; nil when none comes within `timeout` seconds.
    def receive(timeout: nil) = self.next(timeout).await

    # Each message, until the node closes. Without a block an Enumerator. `handle` the messages.
    def each
      return enum_for(:each) unless block_given?

      loop do
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
