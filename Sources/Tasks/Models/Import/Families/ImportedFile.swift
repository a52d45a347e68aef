import Foundation
import Weights

/// A file of a checkpoint.
struct ImportedFile: Sendable {
    /// The files on the disk of a path that a person gives.
    static func files(of url: URL) throws -> [URL] {
        TensorFlowCheckpoint.looksLike(url) ? try TensorFlowCheckpoint.files(of: url) : [url]
    }

    let url: URL
    let contents: CheckpointContents
    /// What the formats have beside tensors and values: the layers in their order, and the graph of objects.
    var keras: KerasFile?
    var torch7: Torch7File?

    /// The files on the disk: TensorFlow's checkpoints have several.
    let files: [URL]

    /// The value of a Python pickle: words, options.
    /// - Throws: ``ModelError`` for one that asks for a call (``PickledCalls``), or the reader's own errors.
    static func pickled(_ url: URL) throws -> PlainValue {
        let contents = try CheckpointContents(pickle: url)
        try PickledCalls.check(contents, path: url.path)
        return contents.values
    }

    init(_ url: URL) throws {
        self.url = url
        let contents = try CheckpointContents(url) { !CheckpointFamily.isTraining($0) }
        files = try Self.files(of: url)
        try PickledCalls.check(contents, path: url.path)
        switch contents.format {
        case .keras:
            self.contents = contents
            keras = try KerasFile(url)
        case .torch7:
            let file = try Torch7File(url)
            torch7 = file
            self.contents = NeuralTalkNames(file).map { contents.with(tensors: $0.tensors) } ?? contents
        case .tensorflow: self.contents = contents.with(tensors: Im2txtNames.renamed(contents.tensors))
        case .npy: self.contents = contents.with(tensors: DeepRNNNames.renamed(contents.tensors))
        default: self.contents = contents
        }
    }
}

/// What a pickle may have Python call when it is loaded. Objects of any class are records, and nothing is called here
/// either way; a file that asks for another call is refused all the same, because no captioner needs one.
enum PickledCalls {
    /// Classes whose objects Python makes by a call, and a relict of PyTorch 0.4.
    private static let harmless = [
        "datetime.", "pathlib.", "collections.", "argparse.", "functools.partial", "enum.", "uuid.", "decimal.",
        "torch.nn.backends.thnn._get_thnn_function_backend", "torch.Generator", "numpy.", "torch._C._from_",
    ]

    /// - Throws: ``ModelError`` that names the first.
    static func check(_ contents: CheckpointContents, path: String) throws {
        guard let name = contents.called.first(where: { name in !harmless.contains { name.hasPrefix($0) } }) else {
            return
        }
        throw ModelError(
            path: path,
            problem: "asks Python to call \(name) when it is loaded, which no captioner needs. Nothing was called; get "
                + "the file from a source that you trust, or save the state_dict() alone")
    }
}
