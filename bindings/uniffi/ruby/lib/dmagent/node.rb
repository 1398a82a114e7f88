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

    # Asks one peer, and yields the answer part by part as it is written; without a block an Enumerator. A peer that knows no
    # streams gives one part. Whoever leaves the block before the end takes the question back. The options are those of
    # `messages.ask_stream`.
    def ask_stream(to, content, **options)
      return enum_for(:ask_stream, to, content, **options) unless block_given?

      noun = messages
      stream = noun.ask_stream(to: to, content: content, **options).stream_id
      number = 0
      begin
        while (part = Parts.next(noun, stream, number))
          number = part.number + 1
          yield part
        end
        stream = nil
        self
      rescue Parts::Over => e
        stream = nil
        raise e.cause
      ensure
        Parts.cancel(noun, stream) if stream
      end
    end

    # Answers a question in hands part by part, whether its asker waits for parts or not: yields what writes a part, and sends
    # the reply when the block returns.
    def answer(question)
      whose = { to: question.from, in_reply_to: question.message_id }
      yield ->(content) { messages.part(content: content, **whose) }
      messages.finish(**whose)
    end

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
