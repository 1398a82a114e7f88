# frozen_string_literal: true

# A small runner: tests are blocks with names that are sentences; the output is TAP.
require 'stringio'
require 'timeout'

class Suite
  # The longest a test may take, in seconds; a test that hangs must end.
  PATIENCE = 60

  def initialize(filter)
    @filter = filter
    @passed = @failed = 0
  end

  def test(name)
    return if @filter && !name.include?(@filter)

    begin
      Timeout.timeout(PATIENCE) { yield }
      @passed += 1
      puts "ok #{@passed + @failed} - #{name}"
    rescue Exception => e
      @failed += 1
      puts "not ok #{@passed + @failed} - #{name}"
      puts "# #{e.class}: #{e.message}", *(e.backtrace || []).map { |line| "#   #{line}" }
    end
    $stdout.flush
  end

  def finish
    puts "# pass #{@passed}", "# fail #{@failed}"
    exit(@failed.zero? ? 0 : 1)
  end
end

def check(condition, said = 'it is not so')
  raise said unless condition
end

def same(found, expected)
  check found == expected, "found #{found.inspect}, expected #{expected.inspect}"
end

# Runs the block, which must fail with this kind of error, and returns the error.
def fails(kind)
  yield
rescue kind => e
  e
else
  raise "it did not fail with #{kind}"
end

# What is warned of in the block.
def warned
  former = $stderr
  $stderr = StringIO.new
  yield
  $stderr.string
ensure
  $stderr = former
end
