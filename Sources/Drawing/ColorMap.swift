import Foundation

/// A colour map: colours for the values of a map.
public enum ColorMap: String, CaseIterable, Sendable, Codable {
    /// Near black, red, orange, yellow, for what speaks for a target. Lightness rises with every entry, also as
    /// colour-blind readers see it and in gray print.
    case warm
    /// Near black, blue, light cyan, for what speaks against a target. Lightness rises as that of ``warm`` does.
    case cool
    /// Blue, cyan, yellow, red. Most published Grad-CAM figures use it.
    case jet
    /// The order of jet's colours, without the edges that jet adds (A. Mikhailov, Google AI blog, 2019).
    case turbo
    /// Even steps of lightness. Colour-blind readers can read it too (S. van der Walt and N. Smith, 2015).
    case viridis
    /// Black, purple, orange, light yellow, in even steps of lightness.
    case magma
    /// Black, purple, orange, yellow, in even steps of lightness.
    case inferno
    /// Black to white.
    case gray
    /// Blue, light gray, red, for signed maps: the centre is zero. See K. Moreland, "Diverging color maps for
    /// scientific visualization", 2009.
    case coolwarm

    /// Whether the centre of the colour map is zero.
    public var isDiverging: Bool { self == .coolwarm }

    /// The colour of a value, as red, green and blue.
    /// - Parameter value: 0 is the low end, and 1 the high end. Values outside have the colour of the nearer end. NaN
    ///   has the colour of the low end.
    public func color(_ value: Float) -> (UInt8, UInt8, UInt8) {
        // NaN fails the comparison.
        table[value > 0 ? Int(min(value, 1) * 255 + 0.5) : 0]
    }

    /// 256 colours (red, green, blue), from the low end to the high end.
    public var table: [(UInt8, UInt8, UInt8)] { Self.tables[self] ?? [] }

    private static let tables: [ColorMap: [(UInt8, UInt8, UInt8)]] = Dictionary(
        uniqueKeysWithValues: allCases.map { map in
            let channels = map.channels
            return (
                map,
                (0...255).map { i in
                    let c = channels.map { UInt8((interpolate($0, at: Float(i) / 255) * 255).rounded()) }
                    return (c[0], c[1], c[2])
                }
            )
        })

    /// Red, green and blue, each as points (position, intensity) with linear interpolation between them.
    private var channels: [[(Float, Float)]] {
        switch self {
        case .jet:
            return [
                [(0, 0), (0.35, 0), (0.66, 1), (0.89, 1), (1, 0.5)],
                [(0, 0), (0.125, 0), (0.375, 1), (0.64, 1), (0.91, 0), (1, 0)],
                [(0, 0.5), (0.11, 1), (0.34, 1), (0.65, 0), (1, 0)],
            ]
        case .gray: return Array(repeating: [(0, 0), (1, 1)], count: 3)
        default:
            let colors = controlPoints.split(separator: " ").map { UInt32($0, radix: 16) ?? 0 }
            return [16, 8, 0].map { (shift: UInt32) in
                colors.enumerated().map { i, color in
                    // The points are at entries of the table of 256.
                    (
                        (Float(i) * 255 / Float(colors.count - 1)).rounded(.toNearestOrEven) / 255,
                        Float(color >> shift & 255) / 255
                    )
                }
            }
        }
    }

    private static func interpolate(_ points: [(Float, Float)], at x: Float) -> Float {
        guard let next = points.firstIndex(where: { $0.0 >= x }), next > 0 else {
            return points[x <= 0 ? 0 : points.count - 1].1
        }
        let (a, b) = (points[next - 1], points[next])
        return a.1 + (b.1 - a.1) * (x - a.0) / (b.0 - a.0)
    }

    /// Evenly spaced colours. `warm` and `cool` have 13. Of the others, 33 colours of matplotlib 3.11's table (Tests/DrawingTests/Fixtures/colormaps.py --control-points).
    /// The 256 colours differ from matplotlib's by at most 3 of 255.
    private var controlPoints: String {
        switch self {
        case .warm: "1a1416 43161c 6d1820 961c24 bc2522 d83818 eb520a f66f04 fc8c04 ffa70a ffc01b ffd631 ffea4a"
        case .cool: "0e151b 0e2054 0e3080 0e45a6 0e5cc6 0e74de 0e8bee 14a0f6 24b5fa 3ccbfb 58dcfb 78ebfc 96f7fd"
        case .turbo:
            """
            30123b 392a73 4040a2 4456c7 466be3 4680f6 4294ff 37a8fa 28bceb 1ccdd8 18ddc2 1fe9af 32f298 4ef97d \
            6dfe62 8bff4b a4fc3c b7f735 cbed34 dde037 ecd13a f7c13a fdae35 fe992c fb8122 f56918 ec530f e14109 \
            d23105 c12302 ac1701 950d01 7a0403
            """
        case .viridis:
            """
            440154 470d60 48186a 482374 472d7b 453781 424086 3e4989 3b528b 375b8d 33638d 2f6b8e 2c728e 297a8e \
            26828e 23898e 21918c 1f978b 1f9f88 21a685 27ad81 31b57b 3dbc74 4cc26c 5cc863 6ece58 81d34d 95d840 \
            aadc32 c0df25 d5e21a eae51a fde725
            """
        case .magma:
            """
            000004 030312 0a0822 130d34 1d1147 29115a 36106b 440f76 51127c 5d177f 6a1c81 762181 832681 902a81 \
            9c2e7f aa337d b73779 c23b75 cf4070 db476a e55064 ee5b5e f4695c f9785d fb8761 fd9668 fea571 feb47b \
            fec287 fed194 fde0a1 fceeb0 fcfdbf
            """
        case .inferno:
            """
            000004 040312 0b0724 150b37 210c4a 2f0a5b 3d0965 4a0c6b 57106e 64156e 71196e 7d1e6d 8a226a 972766 \
            a32c61 b0315b bc3754 c63d4d d04545 da4e3c e35933 eb6429 f1711f f67e14 f98c0a fb9b06 fcaa0f fbba1f \
            f9c932 f5d949 f2e865 f3f586 fcffa4
            """
        case .coolwarm:
            """
            3b4cc0 445acc 4e68d8 5875e1 6282ea 6c8ff1 779af7 82a6fb 8db0fe 98b9ff a3c2fe aec9fc b9d0f9 c3d5f4 \
            ccd9ed d5dbe5 dddcdc e4d9d2 ebd3c6 f1cdba f4c5ad f7bca1 f7b194 f7a688 f49a7b f18d6f ec7f63 e57058 \
            de614d d55042 cb3e38 c0282f b40426
            """
        case .jet, .gray: ""
        }
    }
}
