import Synchronization

/// Weights in the layout of a kernel, kept from their second use on: a command goes back once, and would hold a copy of
/// all weights for nothing.
final class KeptWeights<Layout: Sendable>: Sendable {
    private let state = Mutex<(uses: Int, kept: Layout?)>((0, nil))

    func layout(_ make: () -> Layout) -> Layout {
        let (found, isFirst) = state.withLock { state -> (Layout?, Bool) in
            state.uses += 1
            return (state.kept, state.uses == 1)
        }
        if let found { return found }
        // Without the lock: two threads that do the same work are better than one that waits for the other's threads.
        let made = make()
        if !isFirst { state.withLock { $0.kept = made } }
        return made
    }
}
