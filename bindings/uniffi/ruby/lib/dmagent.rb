# frozen_string_literal: true

# dmagent for Ruby: the generated half, and by hand what is more like Ruby: blocks, enumerators, keyword arguments.
#
# Calls wait without holding the interpreter, and under a fiber scheduler without holding the thread. `Timeout` and
# `Thread#raise` end a call that waits; a message that was under way goes back into the inbox.

require 'io/wait'
require_relative 'dmagent/version'
require_relative 'dmagent/library'
require_relative 'dmagent/generated'
require_relative 'dmagent/errors'
require_relative 'dmagent/forks'
require_relative 'dmagent/interruptions'
require_relative 'dmagent/verbs'
require_relative 'dmagent/parts'
require_relative 'dmagent/streams'
require_relative 'dmagent/telling'
require_relative 'dmagent/node'

# An agent's place on the mesh.
module Dmagent
  # The end of our threads is waited for without holding the interpreter: they may be about to call into it.
  UniFFILib.attach_function :uniffi_dmagent_uniffi_fn_func_shutdown_runtime, [RustCallStatus.by_ref], :void, blocking: true

  # Our threads end before the interpreter: one that called into it later would crash the process.
  at_exit do
    # A forked child has none of them.
    next unless Forks.sound?

    # Whoever waits for us in a thread is about to end with it; its error would be noise at the end of a sound program.
    Thread.list.each { |thread| thread.report_on_exception = false unless thread == Thread.current }
    Dmagent.shutdown_runtime
  end
end
