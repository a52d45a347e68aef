/// A tensor that may be recorded on a tape.
///
/// Operations on constants (variables without a tape) record nothing, so inference without an explanation builds no
/// graph.
public struct Variable {
    public let value: Tensor
    let tape: Tape?
    /// Position on the tape; -1 for a constant.
    let node: Int

    /// A constant.
    public init(_ value: Tensor) {
        self.value = value
        self.tape = nil
        self.node = -1
    }

    init(_ value: Tensor, tape: Tape, node: Int) {
        self.value = value
        self.tape = tape
        self.node = node
    }

    public var shape: [Int] { value.shape }
    /// True if the variable is on a tape.
    public var isRecorded: Bool { tape != nil }
    /// The same value as a constant.
    public var detached: Variable { Variable(value) }
}
