# frozen_string_literal: true

# Prints what the installed gem has, for `see_uniffi.py`: `ruby see_ruby.rb`. Everything is loaded and asked; only the types of
# members, which Ruby does not know, are read from how the generated code writes them.
require 'dmagent'
require 'json'

GENERATED = $LOADED_FEATURES.find { |path| path.end_with?('dmagent/generated.rb') }

# The type of each member of each record.
TYPES = File.read(GENERATED).scan(/^  def write_Type(\w+)\(v\)\n(.*?)^  end/m).to_h do |name, body|
  [name, body.scan(/self\.write_(\w+)\(v\.(\w+)\)/).to_h { |type, member| [member, type] }]
end

# The generated method of an object, below what is written by hand.
def generated(kind, name)
  method = kind.instance_method(name)
  method = method.super_method while method && method.source_location&.first != GENERATED
  method
end

# What the objects of a class can be asked.
def methods_of(kind, node)
  names = kind.public_instance_methods(false).reject { |name| name.start_with?('uniffi') }
  names.filter_map do |name|
    next unless (method = generated(kind, name))

    parameters = method.parameters.to_h { |_, parameter| [parameter, {}] }
    taken = Dmagent::Keywords::TAKEN.dig(kind, name)
    parameters[:arguments] = { type: taken.name.split('::').last } if taken && parameters.key?(:arguments)
    # What leads to a noun is told by the noun.
    noun = kind == Dmagent::Node && parameters.empty? && name != :close ? node.public_send(name) : nil
    [name, { members: parameters, type: noun.class.name.to_s.split('::').last }]
  end.to_h
end

# What a class is made with and then has.
def members_of(kind, types = {})
  made = kind.instance_method(:initialize).parameters.select { |how, _| %i[key keyreq].include?(how) }
  made.map(&:last).select { |name| kind.public_method_defined?(name) }.to_h { |name| [name, { type: types[name.to_s] || '' }] }
end

def seen(node)
  kinds = Dmagent.constants.to_h { |name| [name, Dmagent.const_get(name)] }.select { |_, kind| kind.is_a?(Class) }
  inner = ->(kind) { kind.constants(false).to_h { |name| [name, kind.const_get(name)] } }
  told = { objects: {}, records: {}, words: {}, variants: {} }
  kinds.each do |name, kind|
    values = inner.call(kind)
    variants = values.select { |_, value| value.is_a?(Class) && value < kind }
    if kind.respond_to?(:uniffi_allocate)
      told[:objects][name] = { members: methods_of(kind, node) }
    elsif values.any? && values.values.all?(Integer)
      told[:words][name] = { members: values.transform_values { |value| { value: value } } }
    elsif variants.any?
      told[:variants][name] = { members: variants.transform_values { |value| { members: members_of(value) } } }
    elsif TYPES.key?(name.to_s)
      told[:records][name] = { members: members_of(kind, TYPES[name.to_s]) }
    end
  end
  told
end

def errors
  told = Dmagent::DmError.constants.to_h { |name| [name, Dmagent::DmError.const_get(name)] }
  told = told.select { |_, kind| kind.is_a?(Class) && kind < StandardError && kind < Dmagent::DmError }
  { members: told.transform_values { |kind| { members: members_of(kind) } } }
end

# Where the keywords of a shortcut go that it does not name.
PASSED_ON = { tell: [Dmagent::Messages, :send], ask: [Dmagent::Messages, :ask], receive: [Dmagent::Node, :inbox] }.freeze
# What a shortcut is about, what every call takes, and what `receive` calls `timeout`.
ABOUT = %i[to content cancel block].freeze

# The options of the shortcuts.
def options
  { send: [Dmagent::Node, :tell], ask: [Dmagent::Node, :ask], receive: [Dmagent::Node, :receive], reply: [Dmagent::Message, :reply] }
    .flat_map do |shortcut, (kind, name)|
      parameters = kind.instance_method(name).parameters
      names = parameters.reject { |how, _| how == :keyrest }.map(&:last)
      if parameters.any? { |how, _| how == :keyrest }
        names += Dmagent::Keywords::TAKEN.dig(*PASSED_ON.fetch(name)).instance_method(:initialize).parameters.map(&:last)
        names.delete(:timeout_secs) if names.include?(:timeout)
      end
      (names - ABOUT).map { |option| ["option #{shortcut} #{option}", nil] }
    end.to_h
end

# What the gem says about itself, and whether its documentation is there.
def about(node)
  told = { "version #{Dmagent::VERSION}" => nil }
  unless Dmagent::VERSION == node.info.version && Gem.loaded_specs['dmagent']&.version.to_s == Dmagent::VERSION
    told['problem version'] = 'the gem, what it says and its node are of different versions'
  end
  schema = JSON.parse(File.read(Dmagent::SCHEMA))
  told['problem schema'] = 'the schema in the gem is another' unless schema == JSON.parse(File.read(ARGV.fetch(0)))
  told
end

Dmagent::Node.start(preset: Dmagent::Preset::EPHEMERAL) do |node|
  puts JSON.generate({ **seen(node), errors: errors, extra: { **about(node), **options } })
end
