# frozen_string_literal: true

# A policy or a listener that fails: the library takes the safe answer, and the failure is told. The log has it, when an object
# of the program takes the log; otherwise it is a warning of Ruby.
module Dmagent
  # Stands between the library and an object of the program.
  module Telling
    # Asks the object. What fails is told, and the library hears of it.
    def self.ask(object, name, told)
      object.public_send(name, told).tap { |answer| yield answer if block_given? }
    rescue UniffiInternalCancelled
      # The library waits no longer; that is no failure of the object.
      raise
    rescue Exception => e
      tell(object, name, e)
      raise
    end

    # One warning with the message and where it came from.
    def self.tell(object, name, failure)
      return if Dmagent.log_is_taken

      warn "dmagent: #{name} of #{object.class} failed:\n#{failure.full_message(highlight: false)}"
    end

    # Fails unless the answer is a verdict that can cross: what fails later, while it crosses, nobody would hear of.
    def self.check(name, answer, kind)
      raise TypeError, "#{name} answered #{answer.inspect}, which is no #{kind}" unless answer.is_a?(kind)

      RustBuffer.public_send("alloc_from_Type#{kind.name.delete_prefix('Dmagent::')}", answer).free
    end

    # The object, unless it has none of these methods, each for so many values.
    def self.able(what, object, methods)
      return object if methods.any? { |name, count| answers?(object, name, count) }

      wanted = methods.map { |name, count| "#{name} (with #{count} #{count == 1 ? 'argument' : 'arguments'})" }
      found = object.is_a?(Class) ? "the class #{object}; make an object of it" : object.inspect
      raise DmError.invalid("#{what} must be an object that has #{wanted.join(' or ')}, not #{found}")
    end

    # Whether the object has such a method.
    def self.answers?(object, name, count)
      return false unless object.respond_to?(name)

      arity = object.method(name).arity
      arity == count || (arity.negative? && -arity - 1 <= count)
    end

    # The policy of the program. What it does not decide is left to the settings.
    class Asked < HostPolicy
      def initialize(policy)
        super()
        @policy = policy
      end

      { admit_connection: ConnectionVerdict, admit_message: MessageVerdict, route: RouteVerdict }.each do |name, kind|
        define_method(name) do |question|
          next super(question) unless @policy.respond_to?(name)

          Telling.ask(@policy, name, question) { |answer| Telling.check(name, answer, kind) }
        end
      end
    end

    # A listener of the program, for messages or events.
    class Heard
      def initialize(listener) = @listener = listener

      %i[on_message on_event].each do |name|
        define_method(name) { |heard| Telling.ask(@listener, name, heard) }
      end
    end

    # What a policy may decide.
    DECIDED = { admit_connection: 1, admit_message: 1, route: 1 }.freeze

    # Puts them between.
    module Between
      def set_policy(policy) = super(policy && Asked.new(Telling.able('a policy', policy, DECIDED)))

      def on_message(listener, *rest)
        super(Heard.new(Telling.able('a listener for messages', listener, { on_message: 1 })), *rest)
      end

      def on_event(listener) = super(Heard.new(Telling.able('a listener for events', listener, { on_event: 1 })))
    end
    Node.prepend(Between)

    # The log goes to what takes it.
    module Logged
      def set_log(most, sink) = super(most, sink && Telling.able('a sink of the log', sink, { take: 3 }))
    end
    Dmagent.singleton_class.prepend(Logged)
  end
end
