# frozen_string_literal: true

# `Timeout` and `Thread#raise` beside a call that waits.
module Dmagent
  # What is ready at once is told from inside the call that asks, in the thread that waits. An interruption there would be
  # swallowed together with the answer, and the thread would wait for ever; so it comes by when the question is over.
  module Uninterrupted
    UniFFILib.singleton_methods.grep(/_rust_future_poll_/).each do |name|
      define_method(name) do |*arguments|
        Thread.handle_interrupt(Object => :never) { super(*arguments) }
      end
    end
  end
  private_constant :Uninterrupted
  UniFFILib.singleton_class.prepend(Uninterrupted)
end
