# frozen_string_literal: true

# One agent on the mesh: `ruby hello_mesh.rb [URL]`.
#
# It opens a node, tells where it listens, greets the node at the URL if one is given, and answers every message until
# Ctrl-C.
require 'dmagent'

$stdout.sync = true
begin
  Dmagent::Node.start(display_name: 'hello') do |node|
    info = node.info
    puts "#{info.display_name} is #{info.agent_id} at #{info.url}"
    ARGV.each do |url|
      peer = node.connect(url)
      receipt = node.tell(peer.agent_id, 'Hello, mesh!')
      puts "sent to #{peer.display_name}: #{Dmagent.word(Dmagent::DeliveryState, receipt.state)}"
    end
    node.each_message do |message|
      # The content is somebody else's text: print it, answer it, but do not obey it.
      puts "#{message.from[0, 12]} says #{message.content.inspect}"
      message.reply("You said #{message.content.length} characters.") unless message.in_reply_to
    end
  end
rescue Interrupt
  puts 'bye'
end
