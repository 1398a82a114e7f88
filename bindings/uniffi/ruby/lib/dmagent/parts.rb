# frozen_string_literal: true

# What answers in parts and receipts that can be waited on need beside the generated code.
module Dmagent
  # How a stream is read, and left.
  module Parts
    # The stream ended with an error, which is the cause.
    class Over < StandardError; end

    # The part with this number; nil after the last.
    def self.next(messages, stream, number)
      messages.next_part(stream_id: stream, number: number)
    rescue DmError
      raise Over
    end

    # Nobody reads on.
    def self.cancel(messages, stream)
      messages.cancel(message_id: stream, reason: 'nobody waits for the answer any more')
    rescue DmError
      # The node is closed, or the question is long over.
      nil
    end
  end
  private_constant :Parts

  # A receipt knows which node it came from. That is no part of its data: neither of `==` nor of a copy by Marshal.
  class Receipt
    # Waits until the message came as far as `state`, a number of `Dmagent::DeliveryState`. The errors are those of
    # `messages.until`.
    def until(state = DeliveryState::HANDLED, timeout_secs: nil)
      @messages.until(message_id: message_id, state: state, timeout_secs: timeout_secs)
    end

    # Of these verbs.
    def of(messages)
      @messages = messages
      self
    end

    # What it is made of.
    def instance_variables = super - [:@messages]

    def marshal_dump = [message_id, state, deliveries]

    def marshal_load(members)
      @message_id, @state, @deliveries = members
    end
  end

  Messages.prepend(Module.new do
    %i[send broadcast status until finish].each do |verb|
      define_method(verb) { |*given, **members| super(*given, **members).of(self) }
    end
  end)
end
