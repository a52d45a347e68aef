import Tasks
import Tensors
import Vision
import XCTest

final class LayerBenchmarkTests: XCTestCase {
    /// Every convolution of the network once, with its shapes, its kernel and consistent costs.
    func testLayerBenchmark_ofATinyNetwork_hasEveryConvolution() throws {
        var rounds: [Int] = []
        let bench = try LayerBenchmark(named: "tiny", size: 64, repeats: 3) { done, all in
            rounds.append(done)
            XCTAssertEqual(all, 4)
        }
        XCTAssertEqual(rounds, [0, 1, 2, 3])
        XCTAssertEqual(bench.input, [1, 64, 64, 3])
        XCTAssertEqual(bench.layers.map(\.name), ["conv1", "conv2", "conv3", "conv4"])
        XCTAssertEqual(bench.layers.map(\.algorithm), [.direct, .direct, .winograd, .product])
        XCTAssertEqual(bench.layers[0].kernel, [4, 4])
        XCTAssertEqual(bench.layers[0].stride, [2, 2])
        XCTAssertEqual(bench.layers[2].input, [1, 16, 16, 32])
        XCTAssertEqual(bench.layers[2].output, [1, 16, 16, 64])
        XCTAssertEqual(bench.layers[2].cost.flops, 2 * 16 * 16 * 64 * 32 * 9)
        XCTAssertEqual(bench.total.flops, bench.layers.reduce(0) { $0 + $1.cost.flops })
        XCTAssertEqual(
            bench.total.milliseconds, bench.layers.reduce(0) { $0 + $1.cost.milliseconds }, accuracy: 1e-9)
        for cost in bench.layers.map(\.cost) + [bench.total] {
            XCTAssertGreaterThan(cost.milliseconds, 0)
            XCTAssertEqual(
                cost.shareOfPeak * bench.peakGigaflopsPerSecond * cost.milliseconds * 1e6, Double(cost.flops),
                accuracy: 1e-6 * Double(cost.flops))
        }
        XCTAssertEqual(bench.byAlgorithm.map(\.count).reduce(0, +), 4)
        XCTAssertGreaterThan(bench.encoderMilliseconds, 0)
    }

    func testLayerBenchmark_ofBadNamesAndSizes_isRefused() {
        XCTAssertThrowsError(try LayerBenchmark(named: "vgg99", repeats: 1)) { XCTAssertTrue($0 is UnknownEncoder) }
        XCTAssertThrowsError(try LayerBenchmark(named: "./absent", repeats: 1)) { XCTAssertTrue($0 is ModelError) }
        XCTAssertThrowsError(try LayerBenchmark(named: "vgg11", size: 8, repeats: 1)) {
            XCTAssertTrue($0 is EncoderInputError)
        }
    }
}
