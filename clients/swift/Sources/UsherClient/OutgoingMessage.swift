/// A message to the server.
struct OutgoingMessage {
    /// What a message says.
    enum Content {
        case whole(JSONValue)
        /// Receipts for events. Those of one state can be sent as one message.
        case receipts(state: String, ids: [String])
    }

    /// Of the queued messages with the same key only the one with the greatest `order` is sent.
    let key: [String]
    let name: String
    let content: Content
    var order = 0

    /// The receipt for one event.
    static func receipt(state: String, id: String) -> OutgoingMessage {
        OutgoingMessage(key: ["receipt", state, id], name: "receipt", content: .receipts(state: state, ids: [id]))
    }

    /// Returns the payload of one message, or of receipts of one state that are sent as one.
    static func payload(of contents: [Content]) -> JSONValue {
        var (allIds, allState) = ([JSONValue](), "")
        for content in contents {
            switch content {
            case .whole(let payload): return payload
            case .receipts(let state, let ids):
                allState = state
                allIds += ids.map(JSONValue.string)
            }
        }
        return ["ids": .array(allIds), "state": .string(allState)]
    }
}
