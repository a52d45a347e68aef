import Tensors
import Vision

/// Draws a map over its photograph, or alone.
///
/// With ``Blend/weighted``, the photograph is nearly gray and has less contrast, so that none of its own colours looks
/// like one of the map's. The opacity of the map's colours grows with the value. The part of the photograph
/// outside of the model's input is dark gray. No low value looks like it.
public enum Overlay {
    /// Draws a map over the photograph, at the photograph's size.
    /// - Parameters:
    ///   - photo: the photograph.
    ///   - map: `[height, width]` of the photograph, row-major, in 0...1, or in -1...1 if `isSigned`. Values outside
    ///     are clipped. NaN is drawn as a pixel that the model did not see.
    ///   - colorMap: the colours.
    ///   - opacity: of the colours at the largest value, 0...1. With ``Blend/even``, it is that of all values.
    ///   - blend: how the opacity depends on the value.
    ///   - isSigned: whether zero is the centre of the colour map. The opacity then grows with the magnitude.
    ///   - seen: the part of the photograph that the model saw, in pixels. Without it, the model saw the whole
    ///     photograph.
    public static func draw(
        _ photo: Image, map: [Float], colorMap: ColorMap = .warm, opacity: Float = 0.7, blend: Blend = .weighted,
        isSigned: Bool = false, seen: Rectangle? = nil
    ) -> Image {
        let opacity = opacity > 0 ? min(opacity, 1) : 0
        let mixes = positions(isSigned).map { position, strength -> Mix in
            let color = colorMap.color(position)
            if blend == .even { return Mix(alpha: opacity, saturation: 1, contrast: 1, color: color) }
            // The opacity rises early and smoothly, so that the region of large values has its colours and a soft edge.
            let rise = min(1, strength / 0.7)
            let alpha = opacity * rise * rise * (3 - 2 * rise)
            return Mix(alpha: alpha, saturation: saturation, contrast: contrast, offset: offset, color: color)
        }
        return compose(photo, map: map, isSigned: isSigned, seen: seen, mixes: mixes + [outside])
    }

    /// Draws the map alone. Pixels that the model did not see are dark gray.
    /// - Parameters:
    ///   - map: `[height, width]`, as in ``draw(_:map:colorMap:opacity:blend:isSigned:seen:)``.
    ///   - width: of the photograph, in pixels.
    ///   - height: of the photograph, in pixels.
    ///   - colorMap: the colours.
    ///   - isSigned: whether zero is the centre of the colour map.
    ///   - seen: the part of the photograph that the model saw, in pixels.
    public static func heatMap(
        _ map: [Float], width: Int, height: Int, colorMap: ColorMap = .warm, isSigned: Bool = false,
        seen: Rectangle? = nil
    ) -> Image {
        let cut = Cut(width: width, height: height, map: map, seen: seen)
        // The dark gray of pixels that the model did not see. Of the colour maps, only gray has it.
        let colors = colorMap.table + [(70, 70, 70)]
        return paint(cut, map: map, isSigned: isSigned) { _, levels, output in
            colors.withUnsafeBufferPointer { colors in
                var output = output
                for x in 0..<width {
                    (output[0], output[1], output[2]) = colors[Int(truncatingIfNeeded: levels[x])]
                    output += 3
                }
            }
        }
    }

    /// The saturation of the photograph under a map.
    static let saturation: Float = 0.08
    /// The contrast of the photograph under a map. Black becomes `offset`, white 229. So yellow and cyan are seen on
    /// white, and dark red and blue on black.
    static let contrast: Float = 0.82
    /// Of 255.
    static let offset: Float = 20
    /// A pixel that the model did not see.
    private static let outside = Mix(alpha: 0, saturation: 0, contrast: 0.4, color: (0, 0, 0))

    /// For each of the map's 256 levels, its position in the colour map and its strength, both 0...1.
    private static func positions(_ isSigned: Bool) -> [(Float, Float)] {
        (0...255).map { level in
            let position = Float(level) / 255
            return (position, isSigned ? abs(2 * position - 1) : position)
        }
    }

    /// The weights of an output pixel in 16.16 fixed point. The pixel is a weighted sum of the photograph's channel,
    /// the photograph's luminance and a constant.
    private struct Mix {
        let channel, luminance: UInt32
        /// The constants of red, green and blue. The last lane is 0.
        let color: SIMD4<UInt32>

        init(
            alpha: Float, saturation: Float, contrast: Float, offset: Float = 0, color: (UInt8, UInt8, UInt8)
        ) {
            let photo = (1 - alpha) * contrast * 65536
            channel = UInt32((photo * saturation).rounded())
            luminance = UInt32(photo.rounded()) - channel
            // With 32768, cutting off the fraction rounds to nearest.
            func constant(_ c: UInt8) -> UInt32 {
                UInt32(((alpha * Float(c) + (1 - alpha) * offset) * 65536).rounded()) + 32768
            }
            self.color = SIMD4(constant(color.0), constant(color.1), constant(color.2), 0)
        }
    }

    private static func compose(
        _ photo: Image, map: [Float], isSigned: Bool, seen: Rectangle?, mixes: [Mix]
    ) -> Image {
        let width = photo.width
        let cut = Cut(width: width, height: photo.height, map: map, seen: seen)
        return paint(cut, map: map, isSigned: isSigned) { row, levels, output in
            photo.pixels.withUnsafeBufferPointer { photo in
                mixes.withUnsafeBufferPointer { mixes in
                    guard var input = photo.baseAddress, let mixes = mixes.baseAddress else { return }
                    input += row * width * 3
                    var output = output
                    for x in 0..<width {
                        let mix = mixes[Int(truncatingIfNeeded: levels[x])]
                        let pixel = SIMD4(UInt32(input[0]), UInt32(input[1]), UInt32(input[2]), 0)
                        // Rec. 601 luma. The weights sum to 256.
                        let luma = (77 &* pixel.x &+ 150 &* pixel.y &+ 29 &* pixel.z &+ 128) &>> 8
                        let gray = SIMD4(repeating: luma &* mix.luminance)
                        let mixed = (pixel &* mix.channel &+ gray &+ mix.color) &>> 16
                        output[0] = UInt8(truncatingIfNeeded: mixed.x)
                        output[1] = UInt8(truncatingIfNeeded: mixed.y)
                        output[2] = UInt8(truncatingIfNeeded: mixed.z)
                        input += 3
                        output += 3
                    }
                }
            }
        }
    }

    /// The pixels that the model saw.
    private struct Cut {
        let width, height: Int
        let columns, rows: Range<Int>

        init(width: Int, height: Int, map: [Float], seen: Rectangle?) {
            precondition(
                map.count == width * height,
                "a map over \(width)x\(height) needs \(width * height) values, not \(map.count)")
            (self.width, self.height) = (width, height)
            (columns, rows) =
                seen.map { Overlay.pixels(of: $0, width: width, height: height) } ?? (0..<width, 0..<height)
        }
    }

    /// The pixels of an image of `width` x `height` whose centres are in a rectangle.
    static func pixels(of seen: Rectangle, width: Int, height: Int) -> (columns: Range<Int>, rows: Range<Int>) {
        func edge(_ x: Double, _ limit: Int) -> Int { x > 0.5 ? Int(min((x - 0.5).rounded(.up), Double(limit))) : 0 }
        func range(_ low: Double, _ high: Double, _ limit: Int) -> Range<Int> {
            edge(low, limit)..<max(edge(low, limit), edge(high, limit))
        }
        return (range(seen.x0, seen.x1, width), range(seen.y0, seen.y1, height))
    }

    /// Calls `body` for each row with its number, its levels and its output. A level is in 0...255, or 256 for a pixel
    /// that the model did not see.
    private static func paint(
        _ cut: Cut, map: [Float], isSigned: Bool,
        _ body: (Int, UnsafePointer<Int32>, UnsafeMutablePointer<UInt8>) -> Void
    ) -> Image {
        let width = cut.width
        let scale: Float = isSigned ? 127.5 : 255
        let shift: Float = isSigned ? 128 : 0.5
        let pixels = [UInt8](unsafeUninitializedCapacity: width * cut.height * 3) { output, filled in
            guard let output = output.baseAddress else { return }
            map.withUnsafeBufferPointer { map in
                guard let map = map.baseAddress else { return }
                Parallel.ranges(cut.height, grain: max(1, 65_536 / width)) { part in
                    var levels = [Int32](repeating: 256, count: width)
                    levels.withUnsafeMutableBufferPointer { levels in
                        guard let levels = levels.baseAddress else { return }
                        for y in part {
                            let row = map + y * width
                            if cut.rows.contains(y) {
                                for x in cut.columns {
                                    let level = row[x] * scale + shift
                                    // NaN fails every comparison.
                                    let clipped = level > 0 ? (level < 255 ? level : 255) : 0
                                    // Adding 2^23 moves the whole part to the low bits.
                                    let whole = Int32(
                                        bitPattern: (clipped.rounded(.down) + 8_388_608).bitPattern & 0xFF)
                                    levels[x] = level == level ? whole : 256
                                }
                            } else {
                                for x in 0..<width { levels[x] = 256 }
                            }
                            body(y, levels, output + y * width * 3)
                        }
                    }
                }
            }
            filled = width * cut.height * 3
        }
        return Image(width: width, height: cut.height, pixels: pixels)
    }
}
