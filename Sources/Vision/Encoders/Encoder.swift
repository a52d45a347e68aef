import Tensors

/// A CNN as a sequence of named stages, each from one feature map to the next.
///
/// A stage has the checkpoint's name of its last layer or block; this is the name that `--layer` takes. The sequence
/// can be split: the frozen front, whose output is cached in training, and the back that is explained or fine-tuned.
public struct Encoder {
    /// A layer or block of the network.
    public struct Stage {
        /// The checkpoint's name of the stage's last layer or block.
        public let name: String
        /// Other names of the same output ("relu5_3", "layer4").
        public let aliases: [String]
        /// Channels of the stage's output.
        public let channels: Int
        /// Pixels of the input for each pixel of the output, along one side.
        public let stride: Int
        /// Maps `[N, H, W, C]` to `[N, H', W', channels]`.
        public let apply: (Variable) -> Variable
        /// Runs the stage and the next one in one kernel, with the same results; returns nil for an input that the
        /// kernel does not support.
        public let applyWithNext: ((Variable) -> Variable?)?

        public init(
            name: String, aliases: [String] = [], channels: Int, stride: Int, apply: @escaping (Variable) -> Variable,
            applyWithNext: ((Variable) -> Variable?)? = nil
        ) {
            self.name = name
            self.aliases = aliases
            self.channels = channels
            self.stride = stride
            self.apply = apply
            self.applyWithNext = applyWithNext
        }
    }

    /// The stages, in order; never empty.
    public let stages: [Stage]

    public init(stages: [Stage]) {
        precondition(!stages.isEmpty)
        self.stages = stages
    }

    /// Channels of the last feature map.
    public var channels: Int { stages[stages.count - 1].channels }
    /// The last convolutional layer. Maps are computed there unless another layer is requested.
    public var lastLayer: String { stages[stages.count - 1].name }

    /// The index of the stage with that name or alias.
    public func index(of layer: String) -> Int? {
        stages.firstIndex { $0.name == layer } ?? stages.firstIndex { $0.aliases.contains(layer) }
    }

    /// Runs the stages of `range` (nil: all) in order; x `[N, H, W, C]`.
    public func callAsFunction(_ x: Variable, stages range: Range<Int>? = nil) -> Variable {
        let range = range ?? 0..<stages.count
        var x = x, index = range.lowerBound
        while index < range.upperBound {
            if index + 1 < range.upperBound, let both = stages[index].applyWithNext?(x) {
                x = both
                index += 2
            } else {
                x = stages[index].apply(x)
                index += 1
            }
        }
        return x
    }
}
