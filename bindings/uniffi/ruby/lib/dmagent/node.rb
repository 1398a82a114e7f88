# frozen_string_literal: true

# The node with blocks and keywords.
module Dmagent
  class Node
    # Opens a node with these settings, lends it to the block and closes it whatever happens; without a block it is yours to
    # close. The preset is one of `Dmagent::Preset`.
    def self.start(preset: Preset::AGENT, **settings)
      node = new(Settings.new(**settings), preset)
      node.open
      return node unless block_given?

      begin
        yield node
      ensure
        node.close
      end
    end

    # Asks the node at a URL for a connection.
    def connect(url) = peers.connect(url: url)

    # Sends a message to one peer or several; the options are those of `messages.send`.
    def tell(to, content, **options) = messages.send(to: to, content: content, **options)

    # Sends a message to one peer and waits for the answer to it; the options are those of `messages.ask`.
    def ask(to, content, **options) = messages.ask(to: to, content: content, **options).await

    # The next message for the agent; nil when none comes within `timeout` seconds. `from`, `in_reply_to` and `kinds` choose, as
    # in `messages.next`. A block is lent the message, as by
    # `Message#handle`: acknowledged when the block returns, given back when it fails, is interrupted, or is left with `break`.
    def receive(timeout: nil, **filter, &block) = inbox(**filter).receive(timeout: timeout, &block)

    # Lends each message to the block, as `Message#handle` does, until the node closes: acknowledged when the block returns, given
    # back when it fails, is interrupted, or is left with `break`. Without a block an Enumerator; `handle` the messages.
    # `from`, `in_reply_to` and `kinds` choose, as in `receive`.
    def each_message(**filter)
      return inbox(**filter).each unless block_given?

      # Not `loop`, which ends at a StopIteration of the block.
      while true
        begun = false
        begin
          receive(**filter) do |message|
            begun = true
            yield message
          end
        rescue DmError::ClosedError
          # What fails in the block is the caller's.
          raise if begun

          return self
        end
      end
    end

    # Hands each event to the block, until the node closes.
    def each_event(&block) = events.each(&block)
  end
end
