import Tensors
import Vision

/// Lays a map over its photograph, or draws it alone.
///
/// With ``Blend/weighted``, where the map is cold, the photograph stays, its colours muted so that they are not taken
/// for the map's; where it is warm, the colour map covers it, the more the warmer. A place that the model never saw
/// (outside its centre crop) is dimmed to dark gray, which no cold place is.
public enum Overlay {
    /// Draws `map` over `photo`, at the photograph's size.
    ///
    /// - Parameters:
    ///   - map: `[height, width]` of the photograph, row-major; 0...1, or -1...1 where `isSigned`. Values outside are
    ///     clipped; a NaN is drawn like a place that the model did not see.
    ///   - opacity: how much the colour covers where the map is at its strongest, 0...1; with ``Blend/even``,
    ///     everywhere.
    ///   - isSigned: zero is the centre of the colour map, and strength is the distance from it.
    ///   - seen: the part of the photograph that the model saw, in its pixels; nil for all of it.
    public static func draw(
        _ photo: Image, map: [Float], colorMap: ColorMap = .turbo, opacity: Float = 0.6, blend: Blend = .weighted,
        isSigned: Bool = false, seen: Rectangle? = nil
    ) -> Image {
        let opacity = opacity > 0 ? min(opacity, 1) : 0
        let mixes = positions(isSigned).map { position, strength -> Mix in
            let color = colorMap.color(position)
            if blend == .even { return Mix(alpha: opacity, saturation: 1, brightness: 1, color: color) }
            // Rises early, so that the whole of the warm region is coloured and its edge is soft.
            let rise = min(1, strength / 0.7)
            let alpha = opacity * rise * rise * (3 - 2 * rise)
            let saturation = coldSaturation + (1 - coldSaturation) * rise
            return Mix(alpha: alpha, saturation: saturation, brightness: 1, color: color)
        }
        return compose(photo, map: map, isSigned: isSigned, seen: seen, mixes: mixes + [outside])
    }

    /// The map alone, in the colours of `colorMap`. `map` and `seen` as in
    /// ``draw(_:map:colorMap:opacity:blend:isSigned:seen:)``.
    public static func heatMap(
        _ map: [Float], width: Int, height: Int, colorMap: ColorMap = .turbo, isSigned: Bool = false,
        seen: Rectangle? = nil
    ) -> Image {
        let cut = Cut(width: width, height: height, map: map, seen: seen)
        // A dark gray, which is in none of the colour maps but gray, for what the model did not see.
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

    /// How much of its own colour the photograph keeps where the map is cold.
    private static let coldSaturation: Float = 0.45
    private static let outside = Mix(alpha: 0, saturation: 0, brightness: 0.4, color: (0, 0, 0))

    /// For each of 256 levels of the map: its place in the colour map and its strength, both 0...1.
    private static func positions(_ isSigned: Bool) -> [(Float, Float)] {
        (0...255).map { level in
            let position = Float(level) / 255
            return (position, isSigned ? abs(2 * position - 1) : position)
        }
    }

    /// One output pixel as a weighted sum of the photograph's channel, its luminance and a constant, in 16.16 fixed
    /// point.
    private struct Mix {
        let channel, luminance: UInt32
        /// Red, green, blue, nothing.
        let color: SIMD4<UInt32>

        init(alpha: Float, saturation: Float, brightness: Float, color: (UInt8, UInt8, UInt8)) {
            let photo = (1 - alpha) * brightness * 65536
            channel = UInt32((photo * saturation).rounded())
            luminance = UInt32(photo.rounded()) - channel
            // 32768 rounds to nearest when the fraction is cut off.
            func constant(_ c: UInt8) -> UInt32 { UInt32((alpha * Float(c) * 65536).rounded()) + 32768 }
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
                        // Rec. 601 luma; the weights sum to 256.
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

    /// Which pixels the model saw.
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

    /// The pixels of a picture of `width` x `height` whose centres lie in a rectangle.
    static func pixels(of seen: Rectangle, width: Int, height: Int) -> (columns: Range<Int>, rows: Range<Int>) {
        func edge(_ x: Double, _ limit: Int) -> Int { x > 0.5 ? Int(min((x - 0.5).rounded(.up), Double(limit))) : 0 }
        func range(_ low: Double, _ high: Double, _ limit: Int) -> Range<Int> {
            edge(low, limit)..<max(edge(low, limit), edge(high, limit))
        }
        return (range(seen.x0, seen.x1, width), range(seen.y0, seen.y1, height))
    }

    /// Calls `body` with each row's number, its levels (0...255, or 256 where the model saw nothing) and its output.
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
                                    // Adding 2^23 leaves the whole part in the low bits.
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
