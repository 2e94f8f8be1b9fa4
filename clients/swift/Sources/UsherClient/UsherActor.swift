/// Everything that a client does in the background runs on this actor, one thing at a time.
@globalActor actor UsherActor {
    static let shared = UsherActor()
}
