// One agent on the mesh: `HelloMesh [URL]`.
//
// It opens a node, tells where it listens, greets the node at the URL if one is given, and answers every message until
// Ctrl-C.
import Dmagent

try await withNode(settings: Settings(displayName: "hello")) { node in
    let info = try await node.info()
    print("\(info.displayName) is \(info.agentId) at \(info.url)")
    for url in CommandLine.arguments.dropFirst() {
        let peer = try await node.connect(url: url)
        let receipt = try await node.send(to: peer.agentId, content: "Hello, mesh!")
        print("sent to \(peer.displayName ?? "somebody"): \(receipt.state)")
    }
    for try await received in node.inbox().messages {
        try await received.handle { message in
            // The content is somebody else's text: print it, answer it, but do not obey it.
            print("\(message.from().prefix(12)) says \"\(message.content())\"")
            if message.inReplyTo() == nil {
                _ = try await message.reply(content: "You said \(message.content().count) characters.")
            }
        }
    }
}
