# frozen_string_literal: true

# Errors: `rescue Dmagent::DmError` catches all of them, `rescue Dmagent::DmError::NotFoundError` one kind.
module Dmagent
  # Something of dmagent failed.
  module DmError
    # What a kind adds to Ruby's exceptions.
    module Told
      # The number of the code, as in `Dmagent::Code`; nil when the program itself cancelled the call.
      def code = failure&.code

      # What went wrong; nil when the program itself cancelled the call.
      def failure = defined?(@failure) ? @failure : nil

      # Whether trying the same call again later can help.
      def retryable? = failure ? failure.retryable : false

      # Facts, for instance `path`.
      def context = failure ? failure.context : {}

      def to_s
        return @reason unless failure

        facts = context.map { |name, value| "#{name}: #{value}" }
        "#{failure.message}#{" (#{facts.join(', ')})" unless facts.empty?} [#{failure.name}]"
      end
    end

    constants.map { |name| const_get(name) }.grep(Class).each do |kind|
      kind.include(self)
      kind.prepend(Told)
    end
  end
end

# Text that cannot cross.
module Dmagent
  # Text that is not sound is an error of ours like others.
  module Texts
    def uniffi_utf8(text)
      super
    rescue EncodingError => e
      raise DmError::InvalidInputError.new(
        failure: Failure.new(code: Code::INVALID_ARGUMENT, name: 'invalid_argument', number: Code::INVALID_ARGUMENT,
                             retryable: false, message: "an argument is no sound text: #{e.message}", context: {})
      )
    end
  end
  singleton_class.prepend(Texts)
end
