# frozen_string_literal: true

# The host of the scenarios for Ruby; `core/tests/scenarios/README.md` has its protocol.
#
# It reads commands as JSON lines, carries one node, and ends with its standard input.
require 'dmagent'
require 'json'

include Dmagent

# Members whose text is JSON.
JSON_TEXT = %i[metadata capabilities wallets].freeze
# Members that are words, which are numbers in Ruby.
WORDS = { kind: MessageKind, verification: Verification, source: FoundBy, direction: Direction, entry_type: EntryType,
          told_from: AddressClass, action: RuleAction, fate: Fate, health: PeerHealth, sealed_to: KeyKind,
          outcome: CancelOutcome, mode: GroupMode }.freeze
# What the word `state` is one of.
STATES = { Peer => PeerState, ReceiptVerdict => ReceiptState, GivenReceipt => ReceiptState }.freeze
# Messages that nobody has handled yet, by their place in the inbox.
HELD = {}
SAYING = Mutex.new
$stdout.sync = true

def say(line) = SAYING.synchronize { puts JSON.generate(line) }

# A value as the schema has it.
def plain(value)
  case value
  when nil, true, false, Numeric, String then value
  when Array then value.map { |item| plain(item) }
  when Hash then value
  else
    members = value.instance_variables.to_h { |name| [name[1..].to_sym, value.instance_variable_get(name)] }
    members = members.to_h { |name, member| [name, member(value, name, member)] }
    value.is_a?(Event) ? { type: value.class.name.split('::').last.downcase, **members } : members
  end
end

def member(record, name, value)
  return JSON.parse(value) if JSON_TEXT.include?(name)

  kind = name == :state ? STATES.fetch(record.class, DeliveryState) : WORDS[name]
  kind && value ? Dmagent.word(kind, value) : plain(value)
end

# The verb as a user of Ruby calls it.
def call(node, verb, given)
  held = HELD.delete(given['sequence']) if %w[messages.acknowledge messages.release].include?(verb)
  return verb.end_with?('release') ? held.release(given.fetch('delay_secs', 0.0)) : held.acknowledge if held

  noun, name = verb.split('.')
  members = given.transform_keys(&:to_sym)
  members[:kinds] = members[:kinds].map { |word| MessageKind.const_get(word.upcase) } if members[:kinds]
  members[:state] = DeliveryState.const_get(members[:state].upcase) if members[:state]
  members[:mode] = GroupMode.const_get(members[:mode].upcase) if members[:mode]
  members[:rules] = members[:rules].map { |rule| routing_rule(rule) } if members[:rules]
  object = noun == 'node' ? node : node.public_send(noun)
  result = object.public_send(name, **members)
  result.is_a?(Handout) ? hold(result.await) : plain(result)
end

def routing_rule(given)
  members = given.transform_keys(&:to_sym)
  RoutingRule.new(**members, action: RuleAction.const_get(members[:action].upcase))
end

def hold(message)
  return unless message

  HELD[message.sequence] = message
  plain(message.record)
end

def open_node(settings)
  node = Node.with_json(JSON.generate(settings))
  node.open
  HELD.clear
  $node = node
  { agent_id: node.agent_id, url: node.info.url, token: node.local_token }
end

def listen(id)
  events = $node.events
  Thread.new { events.each { |event| say(id: id, event: plain(event)) } }
  nil
end

def done(command)
  return open_node(command['open']) if command['open']
  return listen(command['id']) if command['events']
  return $node.close if command['close']
  return JSON.parse($node.call(command['by_name'], JSON.generate(command['with']))) if command['by_name']

  call($node, command['call'], command['with'])
end

def obey(command)
  say(id: command['id'], ok: done(command))
rescue DmError => e
  told = { code: e.failure&.name, number: e.code, retryable: e.retryable?, class: e.class.name.split('::').last }
  say(id: command['id'], error: { **told, message: e.message, context: e.context })
rescue StandardError => e
  say(id: command['id'], fault: e.full_message(highlight: false))
end

running = $stdin.each_line.map do |line|
  command = JSON.parse(line)
  Thread.new { obey(command) }
end
# The end of the input: whoever still waits hears that the node is closed.
$node&.close
running.each(&:join)
