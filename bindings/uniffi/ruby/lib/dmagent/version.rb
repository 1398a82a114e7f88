# frozen_string_literal: true

# What the gem is and what it brings.
module Dmagent
  VERSION = '0.1.0'
  # The file in the gem that describes, as JSON, what each verb, argument, record, event, setting and error means.
  SCHEMA = File.join(__dir__, 'dmagent.schema.json')
end
