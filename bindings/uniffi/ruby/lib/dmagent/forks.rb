# frozen_string_literal: true

# Forked children. Whoever waits here waits for a callback, and `ffi` hands those out in a thread of its own. It starts that
# thread with our library; a forked child has none unless this `ffi` starts it again, and would wait for ever. So there every
# call that waits fails at once instead.
module Dmagent
  # Refuses in a forked child what would never end there.
  module Forks
    # The process that loaded the library, and with it the thread that hands out callbacks.
    LOADED_IN = Process.pid
    # An `ffi` that starts its thread again after a fork has this method.
    RESTARTED = FFI.respond_to?(:_async_cb_dispatcher_atfork_child, true)
    SENTENCE = 'this process was forked after dmagent was loaded, and this version of `ffi` hands out no callbacks here: ' \
               'spawn a fresh process, or load dmagent only in the children'
    private_constant :LOADED_IN, :RESTARTED, :SENTENCE

    # Whether callbacks come to this process.
    def self.sound? = RESTARTED || Process.pid == LOADED_IN

    # Fails where none come.
    def self.check
      return if sound?

      raise DmError::ClosedError.new(
        failure: Failure.new(code: Code::FORKED, name: 'forked', number: Code::FORKED, retryable: false,
                             message: SENTENCE, context: {})
      )
    end

    # Every call that waits comes by here. What it was about to wait for is let go.
    module Waiting
      def uniffi_rust_call_async(future, poll, cancel, complete, free, *rest)
        begin
          Forks.check
        rescue DmError
          UniFFILib.public_send(free, future)
          raise
        end
        super
      end
    end
    Dmagent.singleton_class.prepend(Waiting)

    # A policy or a listener would never be called.
    module Hearing
      %i[set_policy on_message on_event].each do |name|
        define_method(name) do |*arguments|
          Forks.check
          super(*arguments)
        end
      end
    end
    Node.prepend(Hearing)
  end
end
