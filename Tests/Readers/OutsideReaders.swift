import Foundation
import Support
import Tensors

@testable import Explain
@testable import Language
@testable import Tasks
@testable import Vision
@testable import Weights

extension OutsideReader {
    /// All readers, by what they read.
    public static let all: [OutsideReader] = weights + images + models + datasets + lists

    private static let weightsFixtures = "WeightsTests/Fixtures"
    private static let checkpoints = "TasksTests/Fixtures/checkpoints"
    private static let imaging = "VisionTests/Fixtures/imaging"

    /// A file of safetensors with this header and eight bytes of values.
    private static func header(_ json: String) -> [UInt8] {
        withUnsafeBytes(of: UInt64(json.utf8.count).littleEndian) { Array($0) } + Array(json.utf8)
            + [UInt8](repeating: 63, count: 8)
    }

    /// A TIFF structure, little-endian: one directory whose one entry is an orientation of 6.
    private static let exif: [UInt8] =
        [0x49, 0x49, 42, 0, 8, 0, 0, 0, 1, 0] + [0x12, 0x01, 3, 0, 1, 0, 0, 0, 6, 0, 0, 0] + [0, 0, 0, 0]

    /// Uses every value, so that tensors which borrow the file are read up to their last byte.
    private static func use(_ tensors: [String: Tensor]) {
        for tensor in tensors.values where tensor.count <= 1 << 20 { _ = tensor.array.reduce(0, +) }
    }

    private static func keras(_ url: URL) throws {
        for layer in try KerasFile(url).layers { for weight in layer.weights { use(["": weight.tensor]) } }
    }

    /// Reads a mapped file by a part of a reader.
    private static func part(_ url: URL, _ body: (MappedFile) throws -> Void) throws {
        do { try body(MappedFile(url)) } catch let problem as FileProblem {
            throw WeightsFileError(path: url.path, problem: problem.text)
        }
    }

    /// An archive of two photographs' names, one of them long (GNU), without their pixels.
    private static let tar: [UInt8] = {
        func member(_ name: String, type: String, _ contents: [UInt8]) -> [UInt8] {
            var header = [UInt8](repeating: 0, count: 512)
            func put(_ text: String, at place: Int) {
                header.replaceSubrange(place..<(place + text.utf8.count), with: text.utf8)
            }
            put(name, at: 0)
            put(String(contents.count, radix: 8), at: 124)
            put("        ", at: 148)
            put(type, at: 156)
            put("ustar", at: 257)
            put(String(header.reduce(0) { $0 + Int($1) }, radix: 8), at: 148)
            return header + contents + [UInt8](repeating: 0, count: (512 - contents.count % 512) % 512)
        }
        return member("a.jpg", type: "0", [1, 2, 3]) + member("././@LongLink", type: "L", Array("long.png".utf8))
            + member("x", type: "0", [4]) + member("p", type: "x", Array("16 path=pax.png\n".utf8))
            + member("y", type: "0", []) + [UInt8](repeating: 0, count: 1024)
    }()

    private static let lists: [OutsideReader] = [
        .init("tar", [.bytes(tar)]) { url in
            var members = TarPhotographs(url.path)
            while let item = members.next() { _ = item.name }
        },
        .init(
            "list", [.text("{\"image\":\"a.png\",\"words\":[\"dog\"]}\n{\"name\":\"b\",\"bytes\":\"AAAA\"}\n")], .json
        ) { url in
            var items = ListedPhotographs(file: url.path)
            while let item = items.next() { _ = item.name }
        },
    ]

    private static let weights: [OutsideReader] = [
        .init("zip", [.files(weightsFixtures, ".npz"), .files(weightsFixtures, "zip.pth")], .zip) { url in
            try part(url) { file in
                let archive = try ZipArchive(file)
                for name in archive.names { _ = try archive.contents(name)?.reduce(0, &+) }
            }
        },
        .init("json", [.text(#"{"a":[1,-2.5e3,true,null,"\u00e9\n"],"b":{"c":{}}}"#)], .json) { url in
            try part(url) { file in
                var scanner = JSONScanner(file.bytes, file.budget)
                try scanner.skipValue()
                try scanner.finish()
            }
        },
        .init(
            "safetensors",
            [
                .files(weightsFixtures, ".safetensors"),
                .bytes(header(#"{"w":{"dtype":"F32","shape":[2],"data_offsets":[0,8]}}"#)),
            ]
        ) {
            use(try SafeTensors.read($0, skippingOtherTypes: true))
        },
        .init(
            "shard-index",
            [
                .text(
                    #"{"metadata":{"total_size":8},"weight_map":{"a.weight":"model-1.safetensors","b":"model-2.safetensors"}}"#
                )
            ], .json
        ) { url in
            try part(url) { _ = try ShardIndex($0) }
        },
        .init("pytorch", [.files(weightsFixtures, ".pth")], .zip) { use(try PyTorchCheckpoint($0).tensors) },
        .init("pickle", [.files(weightsFixtures, ".pkl"), .files(weightsFixtures, "legacy.pth")], .pickle) {
            use(try PyTorchCheckpoint($0).tensors)
        },
        .init("contents", [.files(weightsFixtures, ".pkl"), .files(checkpoints, ".pkl")], .pickle) { url in
            let contents = try CheckpointContents(url)
            use(contents.tensors)
            _ = contents.values["vocab"]
        },
        .init(
            "words",
            [
                .files(checkpoints, ".pkl"), .files(checkpoints, "WORDMAP_x.json"),
                .text("word,index,frequency\n<start>,0,5\na,1,4\n"),
            ], .pickle
        ) { _ = try WordList($0).count },
        .init("npy", [.files(weightsFixtures, ".npy")]) { use(["": try NumPyArray.read($0)]) },
        .init("npz", [.files(weightsFixtures, ".npz")], .zip) { use(try NumPyArray.readArchive($0)) },
        .init("caffemodel", [.files(weightsFixtures, ".caffemodel")]) { use(try CaffeModel.read($0)) },
        .init("npy-objects", [.files(weightsFixtures, ".npy")]) { use(try NumPyObjects($0).contents.tensors) },
        .init("torch7", [.files(weightsFixtures, ".t7")]) { url in
            let file = try Torch7File(url)
            use(file.contents.tensors)
            for index in file.objects.indices { _ = file.value(index, "data", "module", "weight") }
        },
        .init("tensorflow-index", [.files(weightsFixtures, ".index")]) { url in
            try part(url) { file in
                let index = try TensorFlowIndex(file)
                for entry in index.entries { _ = try entry.layout(shards: index.shards) }
            }
        },
        .init("hdf5", [.files(weightsFixtures, ".h5")]) { url in
            try part(url) { file in
                let hdf5 = try HDF5File(file.bytes, file: file)
                for dataset in hdf5.datasets where dataset.isReal { use(["": try hdf5.tensor(dataset)]) }
            }
        },
        .init("keras-h5", [.files(weightsFixtures, "small.h5")]) { try keras($0) },
        .init("keras", [.files(weightsFixtures, ".keras")], .zip) { try keras($0) },
        .init("weights", [.files(weightsFixtures, "")]) { use(try WeightsFile($0).tensors) },
    ]

    private static let images: [OutsideReader] = [
        .init("jpeg", [.files(imaging, ".jpg"), .files("VisionTests/Fixtures/damaged", ".jpg")]) { try decode($0) },
        .init("png", [.files(imaging, ".png")], .png) { try decode($0) },
        .init("exif", [.bytes(exif), .bytes(Array("Exif\0\0".utf8) + exif)]) { url in
            try Data(contentsOf: url).withUnsafeBytes { _ = Orientation(exif: $0[...]) }
        },
        .init(
            "xmp",
            [
                .text(#"<rdf:Description xmlns:tiff="http://ns.adobe.com/tiff/1.0/" tiff:Orientation="6"/>"#),
                .text("<tiff:Orientation> 3 </tiff:Orientation>"),
            ]
        ) { url in
            try Data(contentsOf: url).withUnsafeBytes { _ = Orientation(xmp: $0[...]) }
        },
    ]

    /// Small limits keep an input's time under a second; half of the files are read at a reduced size.
    private static func decode(_ url: URL) throws {
        let bytes = try Image.readBytes(url)
        let image = try DecodedImage(
            bytes, name: "image", limits: ImageLimits(pixels: 1 << 18), most: bytes.count % 2 == 0 ? .max : 400)
        precondition(image.image.pixels.count == image.image.width * image.image.height * 3)
    }

    private static let models: [OutsideReader] = [
        .init(
            "caption-config",
            [
                .files("ExplainTests/Fixtures/toy-show-and-tell", "config.json"),
                .files("ExplainTests/Fixtures/toy-show-attend-and-tell", "config.json"),
            ], .json
        ) {
            try configure($0, CaptionerConfiguration.self, problem: \.problem)
        },
        .init("vqa-config", [.files("ExplainTests/Fixtures/toy-vqa", "config.json")], .json) {
            try configure($0, VQAConfiguration.self, problem: \.problem)
        },
        .init(
            "class-config",
            [
                .text(
                    #"""
                    {"classes":4,"encoder":{"name":"tiny","folded":true},"format":1,"labels":"classes.txt",\#
                    "maps":{"smoothing":3},"task":"classification","preprocessing":{"filter":"bilinear","fit":"squash",\#
                    "height":64,"width":64,"mean":[127.5,127.5,127.5],"std":[127.5,127.5,127.5]}}
                    """#)
            ], .json
        ) {
            try configure($0, ClassifierConfiguration.self, problem: \.problem)
        },
        .init("vocabulary", [.files("ExplainTests/Fixtures/toy-vqa", "vocabulary.txt")]) {
            _ = try Vocabulary(data: Data(contentsOf: $0), name: "vocabulary.txt")
        },
        .init("answers", [.files("ExplainTests/Fixtures/toy-vqa", "answers.txt")]) {
            _ = try AnswerFile.read(Data(contentsOf: $0), path: $0.path)
        },
        .init("calibration", [.text(calibrationNumbers)], .json) { _ = try CalibrationNumbers.read($0) },
        .init(
            "calibration-tensors",
            [
                .bytes(
                    header(
                        #"{"typical_features":{"dtype":"F16","shape":[1,1,2,1],"data_offsets":[0,4]},"#
                            + #""distribution.mean":{"dtype":"F16","shape":[1],"data_offsets":[4,6]},"#
                            + #""distribution.deviation":{"dtype":"F16","shape":[1],"data_offsets":[6,8]},"#
                            + #""typical_shares":{"dtype":"F16","shape":[1],"data_offsets":[8,10]}}"#) + [0x00, 0x3C])
            ], read: calibrate),
        .init("classes", [.text("tabby, tabby cat\ndog\n")]) {
            _ = try ClassList(ClassNames.read(Data(contentsOf: $0), name: "classes.txt"))
        },
    ]

    /// What `calibration.json` says of the tensors that are read.
    private static let calibrationNumbers = #"""
        {"data":{"devImages":5,"images":12,"names":["images","train.txt"]},"encoder":"8aba487dc4b3570e","format":1,\#
        "distribution":{"devWarned":0.05,"threshold":1.5},"kinds":[{"kind":"color","questions":9,"right":4}],\#
        "temperature":{"count":40,"errorAfter":0.01,"errorBefore":0.1,"surpriseAfter":1.5,"surpriseBefore":2,\#
        "value":1.25},"tensors":"0123456789abcdef"}
        """#

    /// Reads the tensors as those of a calibration, and uses them.
    private static func calibrate(_ url: URL) throws {
        let numbers = try JSONDecoder().decode(CalibrationNumbers.self, from: Data(calibrationNumbers.utf8))
        let calibration = try Calibration(numbers, tensors: SafeTensors.read(url), path: url.path)
        if calibration.typicalFeatures.count <= 1 << 20 {
            _ = calibration.distribution?.distance(calibration.typicalFeatures.rows(0..<1))
        }
    }

    /// Reads `config.json` as the loader of a model does, before anything is allocated.
    private static func configure<T: Decodable>(_ url: URL, _ type: T.Type, problem: @escaping (T) -> String?) throws {
        let folder = ConfigurationFolder.shared.linking(url)
        _ = try ModelFiles(folder).configuration(T.self, of: "a model", problem: problem)
    }

    private static let datasets: [OutsideReader] = [
        .init("captions", [.text("image,caption\n1.jpg,\"a dog , a \"\"big\"\" one\"\r\n2.jpg,it's 5\u{20AC}.\n")]) {
            _ = try CaptionsFile.read($0)
        },
        .init(
            "phrases",
            [
                .text(
                    "image\tcaption row\tfirst word\tnumber of words\tchain\ttypes\tphrase\tboxes\tcaption\n"
                        + "1.jpg\t0\t0\t2\t1\tanimals/other\ta dog\t1,2,30,40;0,0,5,5\ta dog runs\n"
                        + "2.jpg\t-1\t1\t1\t2\tpeople\tman\t\ta man\n")
            ]
        ) { _ = try PhraseFile.read($0, images: ["1.jpg", "2.jpg"]) },
        .init(
            "phrase-maps",
            [
                .text(
                    "image\trow\tfirst\tcount\tmethod\tmap\n1.jpg\t0\t2\t1\tgrad-cam\tx/1.npy\n"
                        + "2.jpg\t4\t0\t3\tb\t2.npy\n"
                )
            ]
        ) { _ = try PhraseMapList($0) },
        .init("image-list", [.text("1.jpg\nfolder/2.jpg\n")]) { _ = try ImageList.read($0) },
        .init(
            "questions",
            [
                .text(
                    #"{"answer":"red","boxes":[[1,2,3,4]],"image":"1.jpg","kind":"color","question":"what color is it?"}"#
                )
            ], .json
        ) { _ = try QuestionLines.read($0) },
        .init("easy-vqa", [.text(#"[["what color is the circle?","red",0],["is there a box?","no",12]]"#)], .json) {
            _ = try EasyVQAQuestions.read($0)
        },
        .init(
            "vqa-questions",
            [
                .text(
                    #"""
                    {"questions":[{"question_id":1,"image_id":7,"question":"is it red?"}],"data_subtype":"val2014",\#
                    "annotations":[{"question_id":1,"image_id":7,"answer_type":"yes/no","answers":[{"answer":"yes"}]}]}
                    """#)
            ], .json
        ) { _ = try VQAQuestions.read($0, annotations: $0) },
        .init("daquar", [.text("image\tquestion\tanswer\nimage3\twhat is on the desk?\tbook, lamp\n")]) {
            _ = try DAQUARQuestions.read($0)
        },
        .init("question-list", [.text("what color is the dog?\n\nis it red?\n")]) { _ = try QuestionText.read($0) },
        .init("tokenizer", [.text("image,caption\n1.jpg,\"a dog , a \"\"big\"\" one\"\r\n2.jpg,it's 5\u{20AC}.\n")]) {
            let text = String(decoding: try Data(contentsOf: $0), as: UTF8.self)
            _ = CaptionTokenizer().tokens(text)
            _ = AnswerNormalisation.normalise(text)
        },
    ]
}

/// A model folder whose `config.json` is a link to the input.
private final class ConfigurationFolder: @unchecked Sendable {
    static let shared = ConfigurationFolder()
    private let folder = URL(fileURLWithPath: "/dev/shm/mmx-reader-\(getpid())-model")
    private var linked: URL?

    func linking(_ url: URL) -> URL {
        if linked == url { return folder }
        mkdir(folder.path, 0o700)
        let link = folder.appendingPathComponent("config.json").path
        unlink(link)
        precondition(symlink(url.path, link) == 0, "a link in /dev/shm cannot be made")
        linked = url
        atexit { ConfigurationFolder.shared.remove() }
        return folder
    }

    private func remove() {
        unlink(folder.appendingPathComponent("config.json").path)
        rmdir(folder.path)
    }
}
