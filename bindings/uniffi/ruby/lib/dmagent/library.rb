# frozen_string_literal: true

# Where the native library lies: in the folder of the gem, or where `DMAGENT_LIBRARY` says.
module DmagentLibrary
  NAMES = %w[libdmagent_uniffi.so libdmagent_uniffi.dylib dmagent_uniffi.dll].freeze
  BESIDE = NAMES.map { |name| File.join(__dir__, name) }
  PATH = ENV['DMAGENT_LIBRARY'] || BESIDE.find { |path| File.file?(path) } ||
         raise(LoadError, "the native library is missing: none of #{NAMES.join(', ')} lies in #{__dir__}; " \
                          'set DMAGENT_LIBRARY to its path, or install the gem for this platform')
end
