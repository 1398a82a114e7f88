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

    # An argument that cannot be used, and why.
    def self.invalid(sentence)
      InvalidInputError.new(
        failure: Failure.new(code: Code::INVALID_ARGUMENT, name: 'invalid_argument', number: Code::INVALID_ARGUMENT,
                             retryable: false, message: sentence, context: {})
      )
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
      raise DmError.invalid("an argument is no sound text: #{e.message}")
    end
  end
  singleton_class.prepend(Texts)
end

# Words that cannot cross.
module Dmagent
  # A number that stands for no word of its enumeration is an error of ours like others.
  module Words
    RustBuffer.singleton_methods.each do |check|
      name = check[/\Acheck_lower_Type(\w+)\z/, 1]
      kind = name && Dmagent.const_defined?(name) && Dmagent.const_get(name)
      words = kind ? kind.constants(false).to_h { |word| [word, kind.const_get(word)] } : {}
      next if words.empty? || !words.values.all?(Integer)

      define_method(check) do |value|
        next if words.value?(value)

        raise DmError.invalid("#{value.inspect} is no #{kind}: use one of #{words.keys.map { |word| "#{kind}::#{word}" }.join(', ')}")
      end
    end
  end
  private_constant :Words
  RustBuffer.singleton_class.prepend(Words)
end
