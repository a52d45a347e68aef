import Support

/// Weights in the layout of a kernel, kept from their second use on. A command that runs one backward pass would gain
/// nothing from a copy of all weights.
final class KeptWeights<Layout: Sendable>: Sendable {
    private let state = Mutex<(uses: Int, kept: Layout?)>((0, nil))

    func layout(_ make: () -> Layout) -> Layout {
        let (found, isFirst) = state.withLock { state -> (Layout?, Bool) in
            state.uses += 1
            return (state.kept, state.uses == 1)
        }
        if let found { return found }
        // Without the lock. Two threads may both make it; that is faster than letting one wait for the other.
        let made = make()
        if !isFirst { state.withLock { $0.kept = made } }
        return made
    }
}
