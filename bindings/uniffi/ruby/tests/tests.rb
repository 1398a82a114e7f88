# frozen_string_literal: true

# What the binding does in Ruby: `ruby -I ../lib tests.rb [part of a name]`.
require 'dmagent'
require 'rbconfig'
require_relative 'suite'
require_relative 'arguments'
require_relative 'lending'
require_relative 'listening'

include Dmagent

# Where programs of these tests find the library.
LIBRARY = File.expand_path('../lib', __dir__)

suite = Suite.new(ARGV.first)

# A node that keeps nothing and listens at a port that the system chose.
def node(name, **settings, &block)
  Node.start(preset: Preset::EPHEMERAL, display_name: name, http: true, **settings, &block)
end

# Two nodes that are connected.
def pair
  node('alice') do |alice|
    node('bob') do |bob|
      alice.connect(bob.info.url)
      yield alice, bob
    end
  end
end

suite.test('an answer is read while it is written, and whoever stops reading takes the question back') do
  pair do |alice, bob|
    writing = Thread.new do
      bob.receive.handle do |message|
        bob.answer(message) { |write| ['once ', 'upon ', 'a time'].each(&write) }
      end
    end
    heard = alice.ask_stream(bob.agent_id, 'tell me a story', timeout_secs: 60).map(&:content).join
    writing.join
    same heard, 'once upon a time'
    held = nil
    writing = Thread.new do
      held = bob.receive
      bob.messages.part(to: held.from, in_reply_to: held.message_id, content: 'well, ')
    end
    alice.ask_stream(bob.agent_id, 'go on', timeout_secs: 60) { |_part| break }
    writing.join
    fails(DmError::RefusedError) do
      2_000.times { bob.messages.part(to: held.from, in_reply_to: held.message_id, content: 'm') and sleep 0.01 }
    end
    held.release
  end
end

suite.test('a receipt can be waited on and stays plain data') do
  pair do |alice, bob|
    receipt = alice.tell(bob.agent_id, 'hello')
    same Marshal.load(Marshal.dump(receipt)), receipt
    same receipt.instance_variables.sort, %i[@deliveries @message_id @state]
    bob.receive.handle { |message| message }
    same receipt.until(timeout_secs: 20).state, DeliveryState::HANDLED
  end
end

suite.test('a message arrives and is answered') do
  pair do |alice, bob|
    receipt = alice.tell(bob.agent_id, 'hello', metadata: { type: 'greeting' })
    same receipt.state, DeliveryState::ACCEPTED
    bob.receive.handle do |message|
      same message.from, alice.agent_id
      same message.content, 'hello'
      same JSON.parse(message.metadata), { 'type' => 'greeting' }
      same message.record.content, 'hello'
      same message.reply('hello yourself').state, DeliveryState::ACCEPTED
    end
    alice.receive.handle { |answer| same answer.in_reply_to, receipt.message_id }
    same bob.messages.list.select { |message| message.kind == MessageKind::PEER }, []
  end
end

suite.test('a question waits for its answer') do
  pair do |alice, bob|
    answering = Thread.new { bob.receive { |message| message.reply('42') } }
    alice.ask(bob.agent_id, 'What is the answer?').handle { |answer| same answer.content, '42' }
    same answering.value.state, DeliveryState::ACCEPTED
    # The end of the block has acknowledged the question.
    same bob.receive(timeout: 0), nil
  end
end

suite.test('every noun is there') do
  pair do |alice, bob|
    same alice.peers.get(agent: bob.agent_id).state, PeerState::CONNECTED
    same alice.trust.set(agent: bob.agent_id, score: 0.5, note: 'kind').score, 0.5
    same alice.trust.get(AgentArgs.new(agent: bob.agent_id)).note, 'kind'
    alice.trust.forget(agent: bob.agent_id)
    same alice.trust.get(agent: bob.agent_id), nil
    same alice.discovery.list, []
    signed = alice.passport.sign(data: 'text')
    same bob.passport.verify(agent: alice.agent_id, data: 'text', signature: signed.signature), true
    same alice.update(bio: 'a test').bio, 'a test'
    same JSON.parse(alice.call('peers.list', '{}')).size, 1
  end
end

suite.test('messages are enumerated, and what fails comes again') do
  pair do |alice, bob|
    %w[one two three].each { |content| alice.tell(bob.agent_id, content) }
    heard = bob.inbox.each.lazy.map { |message| message.handle(&:content) }.first(3)
    same heard, %w[one two three]
    alice.tell(bob.agent_id, 'again')
    fails(IndexError) { bob.receive.handle { raise IndexError, 'no' } }
    bob.receive.handle { |message| same [message.content, message.redeliveries], ['again', 1] }
  end
end

suite.test('events are enumerated') do
  pair do |alice, bob|
    events = bob.events
    receipt = alice.tell(bob.agent_id, 'hello')
    event = events.find { |heard| heard.is_a?(Event::MESSAGE_RECEIVED) && heard.kind == MessageKind::PEER }
    same event.message_id, receipt.message_id
    same event.from, alice.agent_id
  end
end

listening(suite)
options(suite)
refusals(suite)

suite.test('an error has a kind, a code and facts') do
  node('alice') do |alice|
    error = fails(DmError::NotFoundError) { alice.peers.get(agent: 'ab' * 32) }
    same error.code, Code::PEER_NOT_CONNECTED
    same error.failure.name, 'peer_not_connected'
    same error.failure.number, Code::PEER_NOT_CONNECTED
    same error.retryable?, false
    check error.message.end_with?('[peer_not_connected]'), error.message
    error = fails(DmError) { alice.call('no.such', '{}') }
    same [error.code, error.context['verb']], [Code::UNKNOWN_VERB, 'no.such']
    same fails(DmError) { alice.tell('ab' * 32, 'x', metadata: 'no JSON') }.code, Code::INVALID_ARGUMENT
    same fails(DmError::ConfigError) { Node.with_json('{"host": "nowhere"}') }.code, Code::CONFIG_INVALID
  end
end

suite.test('a node that is not open or closed says so') do
  alice = Node.new(Settings.new(display_name: 'alice'), Preset::EPHEMERAL)
  same fails(DmError::ClosedError) { alice.info }.code, Code::CLOSED
  2.times { alice.open }
  same alice.closed, false
  2.times { alice.close }
  same alice.closed, true
  same fails(DmError::ClosedError) { alice.receive }.code, Code::CLOSED
  same fails(DmError::ClosedError) { alice.open }.code, Code::CLOSED
end

suite.test('an interrupted thread takes no message with it') do
  Thread.report_on_exception = false
  pair do |alice, bob|
    60.times do |number|
      # Interrupted around the moment at which the message comes.
      waiting = Thread.new { bob.receive(&:release) }
      alice.tell(bob.agent_id, number.to_s)
      waiting.raise(IOError, 'enough')
      begin
        waiting.join
      rescue IOError
        # It was interrupted before it had the message, or while it gave it back.
      end
      waiting = nil
      bob.receive.handle { |message| same message.content, number.to_s }
    end
  end
end

lending(suite)

suite.test('a time limit of Ruby ends a call that waits') do
  node('alice') do |alice|
    fails(Timeout::Error) { Timeout.timeout(0.05) { alice.receive } }
    same alice.receive(timeout: 0), nil
  end
end

suite.test('a call is given up with a Cancel') do
  node('alice') do |alice|
    cancel = Cancel.new
    cancel.cancel
    error = fails(DmError::CancelledError) { alice.peers.list(cancel) }
    same [error.code, error.message], [nil, 'the call was cancelled']
    same alice.peers.list, []
  end
end

suite.test('cancel ends whoever waits') do
  node('alice') do |alice|
    handout = alice.inbox.next
    events = alice.events
    waiting = [handout, events].map { |thing| Thread.new { fails(DmError::CancelledError) { thing.wait } } }
    handout.cancel
    events.cancel
    waiting.each(&:value)
    fails(DmError::CancelledError) { handout.take }
  end
end

class Doorkeeper < HostPolicy
  def admit_connection(question)
    raise 'no idea' if question.display_name == 'alice'

    Thread::Queue.new.pop if question.display_name == 'carol'
    question.display_name == 'mallory' ? ConnectionVerdict::REFUSE.new(reason: 'no') : super
  end

  def admit_message(question)
    question.content.include?('buy') ? MessageVerdict::REFUSE.new(reason: 'no advertisements') : super
  end

  def route(question)
    question.metadata.include?('chatter') ? RouteVerdict::DROP.new : super
  end
end

suite.test('a policy admits, refuses and routes') do
  pair do |alice, bob|
    bob.set_policy(Doorkeeper.new)
    same alice.tell(bob.agent_id, 'buy this').state, DeliveryState::REFUSED
    same alice.tell(bob.agent_id, 'weather', metadata: { type: 'chatter' }).state, DeliveryState::REFUSED
    same alice.tell(bob.agent_id, 'fire').state, DeliveryState::ACCEPTED
    bob.receive.handle { |message| same message.content, 'fire' }
    node('mallory') do |mallory|
      same fails(DmError::RefusedError) { mallory.connect(bob.info.url) }.code, Code::PEER_REFUSED
    end
    bob.set_policy(nil)
    same alice.tell(bob.agent_id, 'buy that').state, DeliveryState::ACCEPTED
  end
end

suite.test('a policy that fails or is late means the safe answer') do
  node('bob', policy_timeout_ms: 500) do |bob|
    bob.set_policy(Doorkeeper.new)
    %w[alice carol].each do |name|
      node(name) { |asking| same asking.connect(bob.info.url).state, PeerState::PENDING }
    end
    same bob.peers.pending.size, 2
  end
end

# Fails in each way that a policy can.
class Broken < HostPolicy
  def initialize(&answer)
    super()
    @answer = answer
  end

  def admit_connection(_question) = @answer.call
end

suite.test('a policy that fails answers at once and is told of') do
  wrong = ConnectionVerdict::REFUSE.new(reason: "\xff")
  answers = { 'boo' => -> { raise 'boo' }, 'answered 42' => -> { 42 }, 'answered nil' => -> {},
              'sound text' => -> { wrong }, 'SystemExit' => -> { exit 4 } }
  # The library would wait longer than a test may take.
  node('bob', policy_timeout_ms: 600_000) do |bob|
    answers.each do |why, answer|
      bob.set_policy(Broken.new(&answer))
      said = warned do
        node('alice') { |alice| same alice.connect(bob.info.url).state, PeerState::PENDING }
      end
      check said.include?('admit_connection of Broken failed') && said.include?(why), said
      check said.include?('tests.rb'), said if why == 'boo'
    end
  end
end

suite.test('text that is not sound is an error like others') do
  node('alice') do |alice|
    error = fails(DmError::InvalidInputError) { alice.tell('ab' * 32, "\xff") }
    same error.code, Code::INVALID_ARGUMENT
    fails(DmError::InvalidInputError) { alice.call("\xff", '{}') }
  end
end

# Takes a message and forgets it; a frame of its own, and another one over what it left on the stack.
def lose(bob)
  Thread.new { same bob.receive.content, 'hello' }.join
end

suite.test('a message that nobody has any more comes again') do
  pair do |alice, bob|
    alice.tell(bob.agent_id, 'hello')
    lose(bob)
    again = Thread.new { bob.receive }
    GC.start until again.join(0.02)
    again.value.handle { |message| same message.redeliveries, 1 }
  end
end

class Lines < LogSink
  def initialize(lines)
    super()
    @lines = lines
  end

  def take(level, target, text) = @lines << [level, target, text]
end

suite.test('the log comes to a sink') do
  lines = Thread::Queue.new
  same Dmagent.set_log(LogLevel::ERROR, Lines.new(lines)), true
  node('bob', policy_timeout_ms: 500) do |bob|
    bob.set_policy(Doorkeeper.new)
    # The log has it; it is not told twice.
    same warned { node('alice') { |alice| alice.connect(bob.info.url) } }, ''
  end
  level, target, text = lines.pop
  same level, LogLevel::ERROR
  check target.start_with?('dmagent'), target
  check text.include?('admit_connection') && text.include?('no idea'), text
  Dmagent.set_log(LogLevel::ERROR, nil)
end

suite.test('threads share a node') do
  pair do |alice, bob|
    to = bob.agent_id
    threads = Array.new(8) { |number| Thread.new { 10.times { |i| alice.tell(to, "#{number}.#{i}") } } }
    heard = Array.new(80) { bob.receive.handle(&:content) }
    threads.each(&:join)
    same heard.uniq.size, 80
  end
end

ENDING = <<~RUBY
  require 'dmagent'
  include Dmagent
  nodes = %w[alice bob].map { |name| Node.start(preset: Preset::EPHEMERAL, display_name: name, http: true) }
  nodes[0].connect(nodes[1].info.url)
  nodes[0].tell(nodes[1].agent_id, 'hello')
  mode = ARGV.first
  if mode == 'waiting'
    Thread.new { loop { nodes[1].receive } }
    Thread.new { nodes[1].events.wait }
  end
  puts 'done'
  exit if mode == 'exit'
RUBY

suite.test('a program that ends without closing ends well') do
  40.times do |number|
    mode = %w[end exit waiting][number % 3]
    said = IO.popen([RbConfig.ruby, '-I', LIBRARY, '-e', ENDING, mode],
                    err: %i[child out], &:read)
    check $?.success?, "#{mode}: #{$?}\n#{said}"
    same said, "done\n"
  end
end

FORKING = <<~RUBY
  require 'dmagent'
  include Dmagent
  alice = Node.start(preset: Preset::EPHEMERAL, display_name: 'alice')
  child = fork do
    alice.info
  rescue DmError::ClosedError => e
    puts e.code
  end
  Process.wait(child)
  exit($?.success? && !alice.closed)
RUBY

if Process.respond_to?(:fork)
  suite.test('a forked child hears that the node belongs to its parent') do
    said = IO.popen([RbConfig.ruby, '-I', LIBRARY, '-e', FORKING],
                    err: %i[child out], &:read)
    check $?.success?, "#{$?}\n#{said}"
    same said, "#{Code::FORKED}\n"
  end
end

# The child tries everything that would wait for a callback, which may never come there.
FORKED = <<~RUBY
  require 'dmagent'
  include Dmagent
  new = -> { Node.new(Settings.new(display_name: 'bob'), Preset::EPHEMERAL) }
  alice = Node.start(preset: Preset::EPHEMERAL, display_name: 'alice') unless ARGV.include?('loaded')
  child = fork do
    tries = [-> { new.call.open }, -> { new.call.close }, -> { Node.start(preset: Preset::EPHEMERAL) }]
    if alice
      tries.push(-> { alice.agent_id }, -> { alice.peers.list }, -> { alice.receive }, -> { alice.close },
                 -> { alice.set_policy(HostPolicy.new) }, -> { alice.on_event(EventListener.new) })
    end
    tries.each do |try|
      try.call
      puts 'it did not fail'
    rescue DmError => e
      puts [e.class, e.code, e.message].join(' ')
    end
    $stdout.flush
    exit!(0) if ARGV.include?('bang')
  end
  Process.wait(child)
  exit($?.success? && (alice.nil? || !alice.closed))
RUBY

# This `ffi` leaves a forked child without callbacks.
DEAF = !FFI.respond_to?(:_async_cb_dispatcher_atfork_child, true)

if Process.respond_to?(:fork) && DEAF
  suite.test('a forked child fails at once where it would wait for ever') do
    [[], ['bang'], ['loaded']].each do |mode|
      said = IO.popen([RbConfig.ruby, '-I', LIBRARY, '-e', FORKED, *mode], err: %i[child out], &:read)
      check $?.success?, "#{$?}\n#{said}"
      lines = said.lines
      same lines.size, mode == ['loaded'] ? 3 : 9
      lines.each do |line|
        check line.start_with?("Dmagent::DmError::ClosedError #{Code::FORKED} "), line
        check line.include?('spawn a fresh process'), line
      end
    end
  end
end

suite.finish
