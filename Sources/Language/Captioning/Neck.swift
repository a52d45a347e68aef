import Tensors

/// What stands between an encoder's last feature map and a decoder; a part of ``DecoderConfiguration`` and of
/// ``VQAHeadConfiguration``. It belongs to the head, so that maps lie over the feature map before it.
public struct Neck: Codable, Equatable, Sendable {
    public enum Kind: String, Codable, Sendable {
        /// PyTorch's `AdaptiveAvgPool2d` to `side` x `side` cells.
        case adaptivePool = "adaptive-pool"
        /// VGG's last pool, fc6 and fc7, each with its ReLU: one vector of `width` numbers.
        case fullyConnected = "fc6-fc7"
    }

    public var kind: Kind
    /// The cells along a side: of the pooled map, or of the map that fc6 reads.
    public var side: Int
    /// Width of fc6 and fc7.
    public var width: Int?

    public init(_ kind: Kind, side: Int, width: Int? = nil) {
        self.kind = kind
        self.side = side
        self.width = width
    }
}

/// A neck with its weights.
struct NeckLayers {
    private let neck: Neck
    private let fc6: Linear?
    private let fc7: Linear?
    /// Channels of the output.
    let channels: Int

    /// - Parameter features: channels of the feature map.
    init?(_ p: Parameters, _ neck: Neck?, features: Int) {
        guard let neck else { return nil }
        self.neck = neck
        switch (neck.kind, neck.width) {
        case (.fullyConnected, let width?):
            fc6 = Linear(p["fc6"], inputs: features * neck.side * neck.side, outputs: width)
            fc7 = Linear(p["fc7"], inputs: width, outputs: width)
            channels = width
        default:
            (fc6, fc7) = (nil, nil)
            channels = features
        }
    }

    /// `[M, u, v, K] -> [M, u', v', channels]`; one cell after fully connected layers.
    func callAsFunction(_ features: Variable) -> Variable {
        guard let fc6, let fc7 else {
            return adaptiveAveragePool(features, height: neck.side, width: neck.side)
        }
        let halved = features.shape[1] >= 2 && features.shape[2] >= 2
        let pooled = adaptiveAveragePool(
            halved ? maximumPool(features, PoolGeometry(2)) : features, height: neck.side, width: neck.side)
        // fc6's weights are in the order [channels, height, width].
        let flat = pooled.permuted([0, 3, 1, 2]).reshaped([pooled.shape[0], -1])
        let y = fc7(fc6(flat).activated(.relu)).activated(.relu)
        return y.reshaped([y.shape[0], 1, 1, y.shape[1]])
    }

    /// How much of each pooled cell comes from each cell of a map of `cells` (rows, columns): `[u v, side side]`. A
    /// product with it turns an attention over pooled cells into the same attention over the map's own cells, because
    /// both give the same weighted sum. nil for fully connected layers, which have no cells.
    func sharesOfCells(_ cells: [Int]) -> Variable? {
        if fc6 != nil { return nil }
        let (rows, columns, side) = (cells[0], cells[1], neck.side)
        func window(_ i: Int, _ inputs: Int) -> Range<Int> {
            i * inputs / side..<((i + 1) * inputs + side - 1) / side
        }
        let shares = Tensor([rows * columns, side * side])
        for row in 0..<side {
            for column in 0..<side {
                let (ys, xs) = (window(row, rows), window(column, columns))
                for y in ys {
                    for x in xs {
                        shares.pointer[(y * columns + x) * side * side + row * side + column] =
                            1 / Float(ys.count * xs.count)
                    }
                }
            }
        }
        return Variable(shares)
    }
}
