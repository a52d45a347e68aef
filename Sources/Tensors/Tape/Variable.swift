/// A tensor that may be followed by a tape.
///
/// A constant (no tape) costs nothing beyond its value; operations on constants only record nothing, so inference
/// without an explanation never builds a graph.
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
    public var isRecorded: Bool { tape != nil }
    /// The same value, no longer followed.
    public var detached: Variable { Variable(value) }
}
