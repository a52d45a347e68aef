import Foundation
import Tensors

/// mmx's side of the benchmarks: reads one JSON object a line, does what it asks, answers with one JSON object a line.
/// `bench.py` drives it and its PyTorch peer in turns, so that whatever else the machine does disturbs both alike.
@main
struct Bench {
    struct Request: Decodable {
        var command: String
        var model: String?
        var photo: String?
        var photos: [String]?
        /// Without it, the model's calibration is left out: the peers compute no evidence.
        var evidence: Bool?
        var word: String?
        /// Every word of the caption instead.
        var all: Bool?
        var question: String?
        /// Of a classifier's classes, by its number.
        var index: Int?
        /// A way of explaining a class, and how many samples it takes.
        var method: String?
        var samples: Int?
        /// Where to write what was computed, as `.npy`.
        var output: String?
        var folder: String?
        var pictures: [Int]?
        var captions: [[Int]]?
        var dropout: Float?
        /// m, n, k of a product; height, width, inputs, outputs, kernel, stride, groups of a convolution.
        var size: [Int]?
        var repeats: Int?
    }

    struct Answer: Encodable {
        /// By the wall clock, and of processor time on all threads together.
        var wall: Double?
        var cpu: Double?
        var caption: [String]?
        var captions: [String]?
        var words: [Int]?
        /// The best answer to a question, and its or a class's score before the softmax.
        var answer: String?
        var value: Double?
        var vocabulary: Int?
        var features: [Int]?
        var loss: Double?
        var checksum: Double?
        var error: String?
    }

    static func main() {
        var captioning: CaptioningBench?
        var answering: AnsweringBench?
        var classifying: ClassifyingBench?
        var training: TrainingBench?
        let decoder = JSONDecoder()
        let encoder = JSONEncoder()
        encoder.outputFormatting = .sortedKeys
        while let line = readLine() {
            var answer = Answer()
            do {
                try Instructions.check()
                let request = try decoder.decode(Request.self, from: Data(line.utf8))
                switch request.command {
                case "load":
                    let bench = try CaptioningBench(
                        model: request.model ?? "", withEvidence: request.evidence ?? true)
                    captioning = bench
                    answer = bench.description
                case "prepare": try loaded(captioning).prepare(photo: request.photo ?? "", output: request.output)
                case "throughput": answer = try loaded(captioning).throughput(request.photos ?? [])
                case "look": answer = try loaded(captioning).look()
                case "explain":
                    answer = try loaded(captioning).explain(
                        word: request.word, every: request.all == true, output: request.output)
                case "load-answerer":
                    answering = try AnsweringBench(
                        model: request.model ?? "", withEvidence: request.evidence ?? true)
                case "prepare-question":
                    try loaded(answering).prepare(photo: request.photo ?? "", output: request.output)
                case "ask": answer = try loaded(answering).ask(request.question ?? "", output: request.output)
                case "load-classifier": classifying = try ClassifyingBench(model: request.model ?? "")
                case "prepare-class":
                    try loaded(classifying).prepare(photo: request.photo ?? "", output: request.output)
                case "classify": answer = try loaded(classifying).classify(output: request.output)
                case "explain-class":
                    answer = try loaded(classifying).explain(
                        index: request.index ?? 0, method: request.method ?? "grad-cam", samples: request.samples,
                        output: request.output)
                case "train": training = try TrainingBench(model: request.model ?? "", folder: request.folder ?? "")
                case "step":
                    answer = try loaded(training).step(
                        pictures: request.pictures ?? [], captions: request.captions ?? [],
                        dropout: request.dropout ?? 0)
                case "gemm": answer = KernelBench.gemm(request.size ?? [], repeats: request.repeats ?? 1)
                case "convolution": answer = KernelBench.convolution(request.size ?? [], repeats: request.repeats ?? 1)
                default: throw BenchError(description: "unknown command '\(request.command)'")
                }
            } catch {
                answer.error = "\(error)"
            }
            let data = (try? encoder.encode(answer)) ?? Data("{}".utf8)
            FileHandle.standardOutput.write(data + Data("\n".utf8))
        }
    }

    private static func loaded<T>(_ part: T?) throws -> T {
        guard let part else { throw BenchError(description: "nothing was loaded yet") }
        return part
    }
}

struct BenchError: Error, CustomStringConvertible {
    let description: String
}

/// What a call took, in milliseconds.
struct Duration {
    /// By the wall clock.
    var wall: Double
    /// Processor time of the whole process, all threads together.
    var cpu: Double

    init(_ body: () throws -> Void) rethrows {
        let wall = Self.now(CLOCK_MONOTONIC)
        let cpu = Self.now(CLOCK_PROCESS_CPUTIME_ID)
        try body()
        self.wall = Self.now(CLOCK_MONOTONIC) - wall
        self.cpu = Self.now(CLOCK_PROCESS_CPUTIME_ID) - cpu
    }

    private static func now(_ clock: clockid_t) -> Double {
        var time = timespec()
        clock_gettime(clock, &time)
        return Double(time.tv_sec) * 1e3 + Double(time.tv_nsec) / 1e6
    }
}
