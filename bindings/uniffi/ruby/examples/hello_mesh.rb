# frozen_string_literal: true

# Two agents meet, and one greets the other: `ruby hello_mesh.rb`.

require 'dmagent'

alice, bob = Array.new(2) do # nothing on disk: for trying and testing
  Dmagent::Node.start(preset: Dmagent::Preset::EPHEMERAL, http: true)
end

peer = alice.connect(bob.info.url)
receipt = alice.tell(peer.agent_id, 'Hello, mesh!')
puts "alice's message is #{Dmagent.word(Dmagent::DeliveryState, receipt.state)}"

bob.receive.handle { |message| puts "bob reads: #{message.content}" } # the block's end acknowledges

[alice, bob].each(&:close)
