import CKernels
import XCTest

@testable import Tensors

/// The kernels of every set of vector instructions that this processor has: products against sums in double, and all
/// else against the kernels that need no more than every processor has.
final class InstructionSetTests: XCTestCase {
    private struct NamedKernels {
        let name: String
        let table: mmx_kernels
    }

    private var sets: [NamedKernels] {
        get throws {
            try Instructions.available.map {
                NamedKernels(name: $0, table: try XCTUnwrap(mmx_kernels_named($0)).pointee)
            }
        }
    }

    private var baseline: mmx_kernels { get throws { try XCTUnwrap(sets.last).table } }

    private func random(_ count: Int, seed: UInt64) -> [Float] { randomTensor([max(1, count)], seed: seed).array }

    private func halves(_ count: Int, seed: UInt64) -> [UInt16] {
        random(count, seed: seed).map { Float16($0).bitPattern }
    }

    private func check(
        _ found: [Float], _ expected: [Float], _ message: @autoclosure () -> String, accuracy: Float = 2e-5,
        line: UInt = #line
    ) {
        XCTAssertEqual(found.count, expected.count, message(), line: line)
        let largest = max(1, expected.lazy.map(abs).max() ?? 0)
        for (i, (a, b)) in zip(found, expected).enumerated() where !(abs(a - b) <= accuracy * largest) && !(a == b) {
            return XCTFail("\(message()): element \(i) is \(a), expected \(b)", line: line)
        }
    }

    func testInstructions_available_areOfThisProcessorAndTheBestComesFirst() throws {
        XCTAssertFalse(Instructions.available.isEmpty)
        XCTAssertTrue(Instructions.available.contains(Instructions.name))
        XCTAssertNil(mmx_kernels_named("mmx"))
        XCTAssertEqual(String(cString: try XCTUnwrap(mmx_kernels_named(nil)).pointee.name), Instructions.available[0])
        for set in try sets {
            XCTAssertEqual(String(cString: set.table.name), set.name)
            XCTAssertEqual(set.table.panel, 2 * set.table.vector)
        }
    }

    /// Every height of a block, whole and partial panels, depths of one part and of several, with the epilogue; rows of A
    /// side by side, and elements at offsets.
    func testProduct_ofEverySize_isTheSumInDouble() throws {
        for set in try sets {
            let (panel, vector) = (set.table.panel, set.table.vector)
            var widths = [vector, 2 * vector]
            if set.table.has_half_panels != 0 { widths.append(vector + vector / 2) }
            for rows in Array(1...13) + [24, 25] {
                for width in widths {
                    for (columns, depth) in [(width, 5), (width - 1, 1), (width, 600), (max(1, width - 3), 300)] {
                        let a = random(rows * depth, seed: 1), b = random(depth * columns, seed: 2)
                        let bias = random(columns, seed: 3), other = random(rows * columns, seed: 4)
                        var packed = [Float](repeating: .nan, count: depth * width)
                        var kept = [Float](repeating: .nan, count: rows * panel)
                        var results = [Float](repeating: .nan, count: 2 * rows * columns)
                        let offsets = (0..<depth).map { $0 }
                        for isGathered in [false, true] where !isGathered || depth <= set.table.longest_depth {
                            a.withUnsafeBufferPointer { a in
                                b.withUnsafeBufferPointer { b in
                                    packed.withUnsafeMutableBufferPointer { packed in
                                        var packing = mmx_packing(
                                            b: b.baseAddress, depth: depth, columns: columns, row_stride: columns,
                                            column_stride: 1, panel: packed.baseAddress, width: width)
                                        set.table.pack(&packing)
                                        results.withUnsafeMutableBufferPointer { c in
                                            guard let base = c.baseAddress else { return }
                                            for i in 0..<rows * columns { base[rows * columns + i] = other[i] }
                                            bias.withUnsafeBufferPointer { bias in
                                                kept.withUnsafeMutableBufferPointer { kept in
                                                    offsets.withUnsafeBufferPointer { offsets in
                                                        var product = mmx_product(
                                                            rows: rows, depth: depth, a: a.baseAddress,
                                                            row_stride: depth, step: 1,
                                                            offsets: isGathered ? offsets.baseAddress : nil,
                                                            panel: packed.baseAddress, width: width, c: base,
                                                            c_stride: columns, column: 0, columns: columns,
                                                            epilogue: mmx_epilogue(
                                                                bias: bias.baseAddress, low: -1, high: 2.5,
                                                                shortcut: rows * columns * 4),
                                                            kept: isGathered ? nil : kept.baseAddress)
                                                        set.table.product(&product)
                                                    }
                                                }
                                            }
                                        }
                                    }
                                }
                            }
                            let expected = (0..<rows * columns).map { i -> Float in
                                let (row, column) = (i / columns, i % columns)
                                let sum = (0..<depth).reduce(0.0) {
                                    $0 + Double(a[row * depth + $1]) * Double(b[$1 * columns + column])
                                }
                                return Float(min(max(sum + Double(bias[column]) + Double(other[i]), -1), 2.5))
                            }
                            check(
                                Array(results[..<(rows * columns)]), expected,
                                "\(set.name): \(rows) x \(depth) x \(columns) of \(width)", accuracy: 2e-5)
                        }
                    }
                }
            }
        }
    }

    func testFewRows_ofFloatsAndHalves_areTheSumInDouble() throws {
        for set in try sets {
            for (m, n, k) in [
                (1, 5, 33), (2, 70, 16), (3, 64, 7), (4, 19, 100), (5, 130, 64), (3, 1200, 9), (1, 4100, 5),
            ] {
                for isTransposed in [false, true] {
                    for isHalf in [false, true] {
                        let a = random(m * k, seed: 5), before = random(m * n, seed: 6)
                        let bits = halves(n * k, seed: 7)
                        let b = isHalf ? bits.map { Half(bits: $0).float } : random(n * k, seed: 7)
                        var c = before
                        let isLong = !isTransposed && n >= set.table.long_row
                        let columns = m == 1 ? 4 * set.table.long_row : set.table.long_row
                        var scratch = [Float](repeating: .nan, count: m * columns)
                        var used = [Int32](repeating: -1, count: k)
                        a.withUnsafeBufferPointer { a in
                            b.withUnsafeBytes { floats in
                                bits.withUnsafeBytes { bits in
                                    c.withUnsafeMutableBufferPointer { c in
                                        scratch.withUnsafeMutableBufferPointer { scratch in
                                            used.withUnsafeMutableBufferPointer { used in
                                                var product = mmx_few_rows(
                                                    m: m, n: n, k: k, alpha: 0.5, beta: 2, a: a.baseAddress,
                                                    a_stride: k, b: isHalf ? bits.baseAddress : floats.baseAddress,
                                                    b_stride: isTransposed ? k : n, c: c.baseAddress, c_stride: n,
                                                    scratch: isLong ? scratch.baseAddress : nil,
                                                    scratch_columns: columns, used: used.baseAddress)
                                                switch (isTransposed, isHalf) {
                                                case (false, false): set.table.few_rows(&product)
                                                case (false, true): set.table.few_rows_half(&product)
                                                case (true, false): set.table.few_rows_transposed(&product)
                                                case (true, true): set.table.few_rows_transposed_half(&product)
                                                }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                        let expected = (0..<m * n).map { i -> Float in
                            let (row, column) = (i / n, i % n)
                            let sum = (0..<k).reduce(0.0) {
                                $0 + Double(a[row * k + $1])
                                    * Double(isTransposed ? b[column * k + $1] : b[$1 * n + column])
                            }
                            return Float(0.5 * sum + 2 * Double(before[i]))
                        }
                        check(
                            c, expected, "\(set.name): \(m) x \(k) x \(n), transposed \(isTransposed), halves \(isHalf)"
                        )
                    }
                }
            }
        }
    }

    func testGatherNonzero_ofManyLengths_keepsOrder() throws {
        for set in try sets {
            for count in [1, 3, 4, 15, 16, 17, 50, 64] {
                let x = random(count, seed: 8).enumerated().map { $0.offset % 3 == 0 ? 0 : $0.element }
                var values = [Float](repeating: -7, count: count + 16)
                var indices = [Int32](repeating: -7, count: count + 16)
                let found = set.table.gather_nonzero(x, count, &values, &indices)
                let expected = x.indices.filter { x[$0] != 0 }
                XCTAssertEqual(indices[..<found].map(Int.init), expected, "\(set.name), \(count)")
                XCTAssertEqual(Array(values[..<found]), expected.map { x[$0] }, "\(set.name), \(count)")
            }
        }
    }

    func testRows_ofManyLengths_areThoseOfTheBaseline() throws {
        let reference = try baseline
        for set in try sets {
            for count in [1, 3, 4, 5, 8, 15, 16, 17, 31, 64, 65, 200] {
                let x = random(count, seed: 9).map { 4 * $0 }, y = random(count, seed: 10)
                func run(_ body: (mmx_kernels, UnsafeMutablePointer<Float>) -> Void, _ name: String) {
                    var found = [Float](repeating: 7, count: count + 1), expected = found
                    body(set.table, &found)
                    body(reference, &expected)
                    check(found, expected, "\(set.name): \(name) of \(count)", accuracy: 1e-6)
                    XCTAssertEqual(found[count], 7, "\(set.name): \(name) of \(count) writes beyond the end")
                }
                for (name, function) in [
                    ("relu", MMX_RELU), ("relu6", MMX_RELU6), ("tanh", MMX_TANH), ("sigmoid", MMX_SIGMOID),
                ] {
                    run({ $0.apply(function, count, x, $1) }, name)
                }
                run({ $0.exponentials(count, x, 2, 0.5, $1) }, "exponentials")
                run({ $0.softmax(count, x, $1) }, "softmax")
                let bits = halves(count, seed: 11)
                run({ $0.widen(count, bits, $1) }, "widen")
                XCTAssertEqual(set.table.maximum(count, x), reference.maximum(count, x))
                for (a, b) in [
                    (set.table.sum(count, x), reference.sum(count, x)),
                    (set.table.dot(count, x, y), reference.dot(count, x, y)),
                    (set.table.log_sum_exp(count, x), reference.log_sum_exp(count, x)),
                ] {
                    check([a], [b], "\(set.name): a row of \(count)", accuracy: 1e-5)
                }
            }
        }
    }

    /// Halves of every kind: subnormal, zero, infinite, not a number.
    func testWiden_ofEveryHalf_isExact() throws {
        let bits = (0...UInt16.max).map { $0 }
        for set in try sets {
            var found = [Float](repeating: 7, count: bits.count)
            set.table.widen(bits.count, bits, &found)
            for (bits, value) in zip(bits, found) {
                let expected = Float(Float16(bitPattern: bits))
                if expected.isNaN {
                    XCTAssertTrue(value.isNaN, "\(set.name): \(bits)")
                } else if value.bitPattern != expected.bitPattern {
                    return XCTFail("\(set.name): half \(bits) is \(value), expected \(expected)")
                }
            }
        }
    }

    func testDepthwise_ofEveryKernelAndStride_isThatOfTheBaseline() throws {
        let reference = try baseline
        for set in try sets {
            for (kernel, stride, columns) in [(3, 1, 5), (3, 1, 13), (3, 2, 8), (5, 1, 7), (5, 1, 9), (5, 2, 6)] {
                let channels = 48, width = columns * stride, height = 6
                let image = random(height * width * channels, seed: 12)
                let weights = random(kernel * kernel * channels, seed: 13), bias = random(channels, seed: 14)
                let rows = (height + stride - 1) / stride
                func run(_ table: mmx_kernels) -> [Float] {
                    var output = [Float](repeating: 7, count: rows * columns * channels)
                    image.withUnsafeBufferPointer { image in
                        weights.withUnsafeBufferPointer { weights in
                            bias.withUnsafeBufferPointer { bias in
                                output.withUnsafeMutableBufferPointer { output in
                                    var pass = mmx_depthwise(
                                        image: image.baseAddress, height: height, width: width, channels: channels,
                                        weights: weights.baseAddress, kernel_height: kernel, kernel_width: kernel,
                                        stride_height: stride, stride_width: stride, top: kernel / 2, left: kernel / 2,
                                        first_row: 0, end_row: rows, columns: columns, first_channel: 0,
                                        end_channel: channels,
                                        epilogue: mmx_epilogue(bias: bias.baseAddress, low: 0, high: 6, shortcut: 0),
                                        output: output.baseAddress)
                                    table.depthwise(&pass)
                                }
                            }
                        }
                    }
                    return output
                }
                check(run(set.table), run(reference), "\(set.name): \(kernel)x\(kernel)/\(stride), \(columns) columns")
            }
        }
    }

    /// An LSTM's cell and its backward pass, for widths that are no whole number of vectors.
    func testCell_ofManyWidths_isThatOfTheBaseline() throws {
        let reference = try baseline
        for set in try sets {
            for hidden in [1, 4, 7, 16, 37] {
                let sums = random(4 * hidden, seed: 15), before = random(hidden, seed: 16),
                    dh = random(hidden, seed: 17)
                func run(_ table: mmx_kernels) -> [Float] {
                    var gates = sums, h = [Float](repeating: 7, count: hidden), c = h
                    table.lstm_cell(hidden, &gates, before, &h, &c)
                    var dc = random(hidden, seed: 18), dGates = [Float](repeating: 7, count: 4 * hidden)
                    table.lstm_cell_backward(hidden, gates, c, before, dh, &dc, &dGates)
                    return gates + h + c + dc + dGates
                }
                check(run(set.table), run(reference), "\(set.name): \(hidden)", accuracy: 2e-6)
            }
        }
    }

    /// A panel of columns that are apart in memory, as in a transposed weight, of floats and of halves.
    func testPack_ofAnyStrides_isTheMatrixWithZerosBehind() throws {
        for set in try sets {
            for (columns, width) in [(1, set.table.vector), (set.table.panel - 1, set.table.panel)] {
                for (depth, isTransposed) in [(1, false), (37, false), (37, true), (16, true)] {
                    let bits = halves(depth * columns, seed: 20)
                    let values = bits.map { Half(bits: $0).float }
                    let (rowStride, columnStride) = isTransposed ? (1, depth) : (columns, 1)
                    for isHalf in [false, true] {
                        var panel = [Float](repeating: 7, count: depth * width)
                        panel.withUnsafeMutableBufferPointer { panel in
                            bits.withUnsafeBytes { bits in
                                values.withUnsafeBytes { values in
                                    var packing = mmx_packing(
                                        b: isHalf ? bits.baseAddress : values.baseAddress, depth: depth,
                                        columns: columns, row_stride: rowStride, column_stride: columnStride,
                                        panel: panel.baseAddress, width: width)
                                    if isHalf { set.table.pack_half(&packing) } else { set.table.pack(&packing) }
                                }
                            }
                        }
                        let expected = (0..<depth * width).map { i -> Float in
                            let (k, n) = (i / width, i % width)
                            return n < columns ? values[k * rowStride + n * columnStride] : 0
                        }
                        XCTAssertEqual(panel, expected, "\(set.name): \(depth) x \(columns), halves \(isHalf)")
                    }
                }
            }
        }
    }

    /// A row's elements times one panel to four, in two parts of the depth, with the epilogue.
    func testSparseRow_ofOneToFourPanels_isTheSumInDouble() throws {
        for set in try sets {
            let (panel, depth) = (set.table.panel, 40)
            for (panels, columns) in [(1, panel), (2, 2 * panel), (3, 3 * panel), (4, 4 * panel), (1, panel - 3)] {
                let b = random(panels * depth * panel, seed: 21), bias = random(columns, seed: 22)
                let indices = [0, 3, 4, 19, 20, 21, 39].map { Int32($0) }, values = random(indices.count, seed: 23)
                var kept = [Float](repeating: .nan, count: 4 * panel), c = [Float](repeating: 7, count: columns + 1)
                b.withUnsafeBufferPointer { b in
                    bias.withUnsafeBufferPointer { bias in
                        indices.withUnsafeBufferPointer { indices in
                            values.withUnsafeBufferPointer { values in
                                kept.withUnsafeMutableBufferPointer { kept in
                                    c.withUnsafeMutableBufferPointer { c in
                                        var row = mmx_sparse_row(
                                            values: values.baseAddress, indices: indices.baseAddress,
                                            count: indices.count, panels: b.baseAddress, width: panel,
                                            panel_stride: depth * panel, vectors: 2 * panels, from: 0, end: 20,
                                            is_first: 1, is_last: 0, kept: kept.baseAddress, c: c.baseAddress,
                                            column: 0, columns: columns,
                                            epilogue: mmx_epilogue(
                                                bias: bias.baseAddress, low: -1, high: 1, shortcut: 0))
                                        set.table.sparse_row(&row)
                                        XCTAssertEqual(row.from, 4, set.name)
                                        (row.is_first, row.is_last, row.end) = (0, 1, depth)
                                        set.table.sparse_row(&row)
                                    }
                                }
                            }
                        }
                    }
                }
                let expected = (0..<columns).map { column -> Float in
                    let first = column / panel * depth * panel + column % panel
                    let sum = zip(indices, values).reduce(Double(bias[column])) {
                        $0 + Double($1.1) * Double(b[first + Int($1.0) * panel])
                    }
                    return Float(min(max(sum, -1), 1))
                }
                check(Array(c[..<columns]), expected, "\(set.name): \(panels) panels, \(columns) columns")
                XCTAssertEqual(c[columns], 7, "\(set.name) writes beyond the end")
            }
        }
    }

    /// Winograd's transforms of a weight, of a tile inside the image and of one at its corner, and back, for channels
    /// that are no whole number of vectors.
    func testWinograd_transforms_areThoseOfTheBaseline() throws {
        let reference = try baseline
        for set in try sets {
            for channels in [3, 16, 21] {
                let x = random(10 * 10 * channels, seed: 24), m = random(36 * 32, seed: 25)
                let weight = random(9 * channels * channels, seed: 26), bias = random(channels, seed: 27)
                func run(_ table: mmx_kernels) -> [Float] {
                    var v = [Float](repeating: 0, count: 36 * 32 * 2),
                        y = [Float](repeating: 7, count: 8 * 8 * channels)
                    var panel = [Float](repeating: 0, count: 36 * channels * 32), all: [Float] = []
                    for isPooled: Int32 in [0, 1] {
                        var tiles = mmx_tiles(
                            height: 10, width: 10, channels: channels, output_height: 8, output_width: 8,
                            outputs: channels, top: 0, left: 0, down: 2, across: 2, is_pooled: isPooled)
                        tiles.top = 1
                        table.winograd_scatter(&tiles, x, 0, &v, 32)
                        tiles.top = 0
                        v.withUnsafeMutableBufferPointer { v in
                            guard let second = v.baseAddress.map({ $0 + 36 * 32 }) else { return }
                            table.winograd_scatter(&tiles, x, 3, second, 32)
                        }
                        bias.withUnsafeBufferPointer { bias in
                            var epilogue = mmx_epilogue(bias: bias.baseAddress, low: 0, high: 3, shortcut: 0)
                            table.winograd_gather(&tiles, m, 32, 3, &y, &epilogue)
                        }
                        all += y
                    }
                    for isTurned: Int32 in [0, 1] {
                        weight.withUnsafeBufferPointer { weight in
                            panel.withUnsafeMutableBufferPointer { panel in
                                var weights = mmx_winograd_weights(
                                    weights: weight.baseAddress, output_stride: isTurned == 1 ? 1 : 9 * channels,
                                    input_stride: isTurned == 1 ? 9 * channels : 1, position_stride: channels,
                                    is_turned: isTurned, inputs: channels, outputs: channels, panel: panel.baseAddress,
                                    plane: channels * 32, width: 32, stored: 32)
                                table.winograd_weights(&weights)
                            }
                        }
                        all += panel
                    }
                    // What is behind the channels is not read.
                    for plane in 0..<72 { for i in channels..<32 { v[plane * 32 + i] = 0 } }
                    return all + v
                }
                check(run(set.table), run(reference), "\(set.name): \(channels) channels", accuracy: 2e-6)
            }
        }
    }

    /// Three rows that attend to five regions, forward and backward, by both forms of the keys.
    func testAttention_inBothForms_isThatOfTheBaseline() throws {
        let reference = try baseline
        let (rows, regions, width, padded, depth, hidden) = (3, 5, 21, 32, 19, 10)
        let queries = random(rows * width, seed: 28), annotations = random(regions * depth, seed: 29)
        let weight = random(width, seed: 30) + [Float](repeating: 0, count: padded - width)
        let h = random(rows * hidden, seed: 31), gate = random(hidden, seed: 32), d = random(rows * regions, seed: 33)
        for set in try sets {
            for isFactored: Int32 in [0, 1] {
                let keys = random(regions * padded, seed: 34).map { isFactored == 1 ? exp(2 * $0) : $0 }
                func run(_ table: mmx_kernels) -> [Float] {
                    var prepared = [Float](repeating: 7, count: rows * padded),
                        beta = [Float](repeating: 7, count: rows)
                    var output = [Float](repeating: 7, count: rows * (depth + regions))
                    var sums = [Float](repeating: 0.5, count: (rows + regions + 1) * padded)
                    let stride = depth + regions
                    keys.withUnsafeBufferPointer { keys in
                        annotations.withUnsafeBufferPointer { annotations in
                            weight.withUnsafeBufferPointer { weight in
                                queries.withUnsafeBufferPointer { queries in
                                    h.withUnsafeBufferPointer { h in
                                        gate.withUnsafeBufferPointer { gate in
                                            d.withUnsafeBufferPointer { d in
                                                prepared.withUnsafeMutableBufferPointer { prepared in
                                                    beta.withUnsafeMutableBufferPointer { beta in
                                                        output.withUnsafeMutableBufferPointer { output in
                                                            sums.withUnsafeMutableBufferPointer { sums in
                                                                guard let z = output.baseAddress,
                                                                    let sum = sums.baseAddress
                                                                else { return }
                                                                var attention = mmx_attention(
                                                                    is_factored: isFactored, rows: rows,
                                                                    regions: regions, width: width, padded: padded,
                                                                    depth: depth, hidden: hidden,
                                                                    keys: keys.baseAddress,
                                                                    annotations: annotations.baseAddress,
                                                                    weight: weight.baseAddress,
                                                                    queries: queries.baseAddress,
                                                                    prepared: prepared.baseAddress, h: h.baseAddress,
                                                                    h_stride: hidden, gate_weight: gate.baseAddress,
                                                                    gate_bias: 0.25, beta: beta.baseAddress,
                                                                    z: z, alpha: z + depth, stride: stride)
                                                                table.attention(&attention)
                                                                var backward = mmx_attention_backward(
                                                                    is_factored: isFactored, rows: rows,
                                                                    regions: regions, padded: padded,
                                                                    gradients: d.baseAddress, keys: keys.baseAddress,
                                                                    prepared: prepared.baseAddress,
                                                                    query_sums: sum, key_sums: sum + rows * padded,
                                                                    weight_sums: sum + (rows + regions) * padded)
                                                                table.attention_backward(&backward)
                                                            }
                                                        }
                                                    }
                                                }
                                            }
                                        }
                                    }
                                }
                            }
                        }
                    }
                    return prepared + beta + output + sums
                }
                check(run(set.table), run(reference), "\(set.name), factored \(isFactored)", accuracy: 2e-6)
            }
        }
    }

    /// The gradients of activations, sums and products of rows, and a strided depthwise layer's sums.
    func testGradients_ofManyLengths_areThoseOfTheBaseline() throws {
        let reference = try baseline
        for set in try sets {
            for count in [1, 3, 4, 7, 16, 33, 70, 130] {
                let x = random(count, seed: 35), y = random(count, seed: 36).map { $0 * 8 }
                func run(_ body: (mmx_kernels, UnsafeMutablePointer<Float>) -> Void, _ name: String) {
                    var found = [Float](repeating: 7, count: count + 1), expected = found
                    body(set.table, &found)
                    body(reference, &expected)
                    check(found, expected, "\(set.name): \(name) of \(count)", accuracy: 1e-6)
                    XCTAssertEqual(found[count], 7, "\(set.name): \(name) of \(count) writes beyond the end")
                }
                for function in [MMX_RELU, MMX_RELU6, MMX_TANH, MMX_SIGMOID] {
                    for rule in [MMX_EXACT, MMX_GUIDED, MMX_DECONVOLUTION] {
                        run({ $0.apply_backward(function, rule, count, x, y, $1) }, "gradient \(function), \(rule)")
                    }
                }
                run({ $0.add(count, x, y, -0.5, $1) }, "add")
                run({ $0.multiply(count, x, y, 4, $1) }, "multiply")
                let gradients = random(6 * count, seed: 37), weights = random(6 * count, seed: 38)
                run(
                    { table, output in
                        gradients.withUnsafeBufferPointer { g in
                            weights.withUnsafeBufferPointer { w in
                                var taps = mmx_taps(
                                    gradients: g.baseAddress, row_step: 3 * count, column_step: count,
                                    weights: w.baseAddress, weight_row_step: 3 * count, weight_column_step: count,
                                    rows: 2, columns: 3, channels: count, output: output)
                                table.sum_taps(&taps)
                            }
                        }
                    }, "taps")
            }
        }
    }
}
