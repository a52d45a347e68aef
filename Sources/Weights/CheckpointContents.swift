import Foundation
import Support
import Tensors

/// All that a file of a training program holds: its tensors, and the plain values beside them.
///
/// ``WeightsFile`` takes one network's tensors out of a file. A captioner's file has more that matters: the vocabulary,
/// the program's options, the classes of its modules.
public struct CheckpointContents: Sendable {
    /// The tensors of real numbers, under their full names: the keys, positions and attributes on the way to them,
    /// joined with dots. In the file's own layouts.
    public let tensors: [String: Tensor]
    /// The file's outermost value.
    public let values: PlainValue
    /// The classes and functions that the file names and that have no meaning here. They were neither looked up nor
    /// called.
    public let notRun: [String]

    init(tensors: [String: Tensor], values: PlainValue, notRun: [String] = []) {
        self.tensors = tensors
        self.values = values
        self.notRun = notRun
    }
}
