struct OutgoingMessage { let key: [String]; let name: String; let content: Content; var order = 0
  enum Content { case whole(JSON) } }
