# frozen_string_literal: true

# The gem of one platform, built by the project's own tools from a folder that has the native library in `lib/dmagent`.
require_relative 'lib/dmagent/version'

Gem::Specification.new do |spec|
  spec.name = 'dmagent'
  spec.version = Dmagent::VERSION
  spec.platform = Gem::Platform.local
  spec.summary = 'An agent mesh that you link: identity, peers, durable signed messages, trust'
  spec.authors = ['dmagent']
  spec.licenses = %w[MIT Apache-2.0]
  spec.homepage = 'https://github.com/dmagent/dmagent'
  spec.required_ruby_version = '>= 3.0'
  spec.files = Dir['lib/**/*', 'README.md', 'LICENSE-*']
  spec.add_dependency 'ffi', '~> 1.15'
end
