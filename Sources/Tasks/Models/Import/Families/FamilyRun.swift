import Foundation
import Language
import Support
import Tensors
import Vision
import Weights

/// One import, when the family is known.
struct FamilyRun {
    private let task: FamilyImport
    private let family: CheckpointFamily
    private let parts: [ImportedFile]
    private let place: Int
    private let path: String
    private var context: FamilyContext
    private var notRun: [String] = []
    /// Full names of the matched file's tensors that the CNN in it takes.
    private var encoderNames: Set<String> = []
    private var warnings: [String] = []

    init(
        _ task: FamilyImport, _ family: CheckpointFamily, _ parts: [ImportedFile], _ place: Int,
        _ match: TensorPattern.Match, _ path: String
    ) throws {
        (self.task, self.family, self.parts, self.place, self.path) = (task, family, parts, place, path)
        context = FamilyContext(
            file: parts[place], tensors: parts[place].contents.tensors, values: parts[place].contents.values,
            match: match)
        // The options of ruotianluo's are in a pickle of their own, which a person gives as the vocabulary or a file.
        let beside =
            try parts.filter { $0.url != parts[place].url }.map(\.contents.values)
            + (task.vocabulary.flatMap { url in
                ["pkl", "p", "pickle"].contains(url.pathExtension.lowercased())
                    ? [try ImportedFile.pickled(url)] : nil
            } ?? [])
        context.options = beside.first { $0["opt"] != nil || $0["vocab"] != nil } ?? .none
        if let reason = family.refusal(context) { throw FamilyProblem(reason) }
        notRun = Array(Set(parts.flatMap(\.contents.notRun))).sorted()
        try findEncoder()
    }

    /// In the file itself, in the other files, or where `--encoder-weights` says.
    private mutating func findEncoder() throws {
        func take(_ found: EncoderTensors, of part: ImportedFile, _ named: EncoderNames? = nil) throws {
            context.encoder = try ImportedEncoder(
                found, origin: part.url.lastPathComponent, preprocessing: named?.preprocessing)
            let head = found.names.subtracting(found.tensors.keys.map { found.prefix + $0 })
            context.besideEncoder = (named?.tensors ?? part.contents.tensors).filter { name, _ in
                !found.names.contains(name) || head.contains(name)
            }
            if part.url == parts[place].url {
                context.isEncoderInside = true
                encoderNames = found.names
            }
        }
        for part in [parts[place]] + parts where context.encoder == nil && task.encoderWeights == nil {
            if let found = try EncoderTensors(
                in: part.contents.tensors, preferred: family.preferredEncoders, only: task.encoder)
            {
                try take(found, of: part)
            }
        }
        if context.encoder != nil { return }
        guard let weights = task.encoderWeights else {
            throw FamilyProblem(
                "the CNN is not in this file: give --encoder-weights \(family.usualEncoder), or a model folder of "
                    + "mmx's with such a CNN")
        }
        let url = URL(fileURLWithPath: weights)
        var isFolder: ObjCBool = false
        if FileManager.default.fileExists(atPath: url.path, isDirectory: &isFolder), !isFolder.boolValue {
            let part = try ImportedFile(url)
            let named = try EncoderNames(part)
            if let found = try EncoderTensors(
                in: named.tensors, preferred: named.preferred + family.preferredEncoders, only: task.encoder)
            {
                return try take(found, of: part, named)
            }
        }
        context.encoder = try ImportedEncoder(
            weights, preferred: family.preferredEncoders, only: task.encoder)
        // The layer behind the CNN is in a file without it: in the other one, where there are two.
        let others = parts.filter { $0.url != parts[place].url }
        context.isEncoderInside = others.isEmpty
        context.besideEncoder = (others.first ?? parts[place]).contents.tensors
    }

    /// The words and answers, from the files that a person gave or from the checkpoint.
    private func words() throws -> WordOrder {
        let list: WordList
        if let found = family.vocabulary(context).flatMap({
            WordList(in: $0, origin: task.vocabulary?.path ?? path)
        }) {
            list = found
        } else if let url = task.vocabulary {
            list = try WordList(url, form: family.wordFile)
        } else {
            throw FamilyProblem("its words are not in this file: give --vocabulary, the file that was made with it")
        }
        let rows = context.match[tableSymbol]
        return try WordOrder(family.completed(list, rows), count: rows, special: family.special, path: path)
    }

    private var tableSymbol: Character { context.match.sizes["V"] != nil ? "V" : "Q" }

    private func answers(_ count: Int) throws -> [String] {
        let list: WordList
        if let url = task.answers {
            list = try WordList(url, answers: true)
        } else if let found = (context.values["vocab"]?["answer"]).flatMap({ WordList(in: $0, origin: path) }) {
            list = found
        } else {
            throw FamilyProblem("its answers are not in this file: give --answers, a file with one answer a line")
        }
        guard list.count == count else {
            throw ModelError(
                path: list.origin,
                problem: "is a list of \(list.count) answers; the model in \(path) gives \(count). Take the file that "
                    + "was made with this checkpoint")
        }
        var known = Set<String>()
        return (0..<count).map { index in
            var answer = list.words[index] ?? ""
            if EntryList.fault(of: answer, as: .phrase) != nil || known.contains(answer) { answer = "<\(index)>" }
            known.insert(answer)
            return answer
        }
    }

    // MARK: The model

    mutating func result() throws -> ModelImport.Record {
        let order = try words()
        warnings += order.warnings
        context.vocabulary = order.vocabulary.count
        let model = try family.model(context)
        guard let encoder = context.encoder else { throw FamilyProblem("it has no CNN") }
        try check(features: model.features, encoder)
        var head = try headTensors()
        for name in family.inputRows { head[name] = head[name]?.selectingRows(order.inputs, missing: 0) }
        for name in family.outputRows {
            let missing = name.hasSuffix("bias") ? WordOrder.never : 0
            head[name] = head[name]?.selectingRows(order.outputs, missing: missing)
        }
        try checkFinite(head.merging(encoder.state) { first, _ in first })
        let preprocessing = family.preprocessing(context)
        var state = encoder.state.prefixed("encoder.")
        let name: String
        switch model {
        case .captioner(let decoder, let search):
            name = CaptionerConfiguration.task
            state.merge(head.prefixed("decoder.")) { first, _ in first }
            try encoder.configuration.check(preprocessing)
            let configuration = CaptionerConfiguration(
                encoder: encoder.configuration, preprocessing: preprocessing, decoder: decoder,
                vocabulary: "vocabulary.txt", search: search)
            try fits(state, encoder.configuration) { _ = decoder.makeDecoder($0["decoder"]) }
            try Captioner.save(
                configuration: configuration, vocabulary: order.vocabulary, state: state, type: task.type,
                to: task.output)
        case .vqa(let answerer, let tokens):
            name = VQAConfiguration.task
            state.merge(head.prefixed("answerer.")) { first, _ in first }
            let answers = try answers(answerer.answers)
            try encoder.configuration.check(preprocessing)
            var configuration = VQAConfiguration(
                encoder: encoder.configuration, preprocessing: preprocessing, answerer: answerer,
                vocabulary: "vocabulary.txt", answers: "answers.txt")
            configuration.tokens = tokens
            try fits(state, encoder.configuration) { _ = answerer.makeHead($0["answerer"]) }
            try VQAModel.save(
                configuration: configuration, vocabulary: order.vocabulary, answers: answers, state: state,
                type: task.type, to: task.output)
        }
        return record(name, state, encoder)
    }

    private func check(features: Int, _ encoder: ImportedEncoder) throws {
        if features != encoder.channels {
            throw FamilyProblem(
                "its head reads \(features) channels, and the CNN \(encoder.configuration.name) of \(encoder.origin) "
                    + "gives \(encoder.channels): they do not belong together")
        }
    }

    /// mmx's tensors of the head. Every tensor of the file must be used.
    private func headTensors() throws -> [String: Tensor] {
        var used = encoderNames.union(context.match.names)
        used.formUnion(family.unneeded.map { context.match.root + $0 })
        var missing: [String] = []
        var head: [String: Tensor] = [:]
        for rename in try family.renames(context) {
            let names = rename.from.map { context.match.name($0) }
            let tensors = names.compactMap { context.tensors[$0] }
            missing += names.filter { context.tensors[$0] == nil }
            used.formUnion(names)
            used.formUnion(rename.used)
            if tensors.count == names.count { head[rename.name] = try rename.apply(tensors) }
        }
        if !missing.isEmpty { throw FamilyProblem("these tensors are missing: \(TensorChoice.list(missing))") }
        let left = context.tensors.keys.filter { $0.hasPrefix(context.match.root) && !used.contains($0) }.sorted()
        if !left.isEmpty {
            throw FamilyProblem(
                "\(left.count) of its tensors have no place in it: \(TensorChoice.list(left)). It is another model, or "
                    + "a changed one")
        }
        return head
    }

    /// Checks that the tensors are those that the configuration asks for. No copy of them is made.
    /// - Throws: `ParameterError`, or `UnknownEncoder`.
    private func fits(
        _ state: [String: Tensor], _ encoder: EncoderConfiguration, _ makeHead: (Parameters) -> Void
    ) throws {
        let store = ParameterStore.measuring()
        let p = store.scope(on: Tape())
        _ = try encoder.makeEncoder(p["encoder"])
        makeHead(p)
        var error = ParameterError(origin: path)
        for (name, shape) in store.shapes {
            guard let found = state[name] else {
                error.missing.append(name)
                continue
            }
            if found.shape != shape { error.misshapen.append("\(name) (expected \(shape), found \(found.shape))") }
        }
        error.unused = state.keys.filter { store.shapes[$0] == nil }.sorted()
        error.missing.sort()
        if !error.isEmpty { throw error }
    }

    private func checkFinite(_ tensors: [String: Tensor]) throws {
        guard let first = ModelCheck.notFinite(tensors).first else { return }
        throw FamilyProblem(
            "\(first.count) of the numbers in \(first.name) are infinite or no numbers (NaN): training has failed, or "
                + "the file is damaged")
    }

    private func record(
        _ taskName: String, _ state: [String: Tensor], _ encoder: ImportedEncoder
    ) -> ModelImport.Record {
        let notes = family.notes + family.furtherNotes(context)
        return ModelImport.Record(
            file: (parts[place].files.first ?? parts[place].url).lastPathComponent, sha256: "", weights: "",
            format: parts[place].contents.format,
            encoder: encoder.configuration.name, task: taskName, tensors: state.count,
            parameters: state.values.reduce(0) { $0 + $1.count }, folded: encoder.configuration.folded, leftOut: [],
            removedPrefix: context.match.root.isEmpty ? nil : String(context.match.root.dropLast()),
            notRun: notRun.isEmpty ? nil : notRun, warnings: warnings.isEmpty ? nil : warnings, family: family.name,
            encoderWeights: encoder.origin, notes: notes.isEmpty ? nil : notes)
    }
}

extension CheckpointFamily.Model {
    /// Channels of the feature map that the head reads.
    fileprivate var features: Int {
        switch self {
        case .captioner(let decoder, _): decoder.features
        case .vqa(let head, _): head.features
        }
    }
}

extension Dictionary where Key == String {
    fileprivate func prefixed(_ prefix: String) -> [String: Value] {
        Dictionary(uniqueKeysWithValues: map { (prefix + $0.key, $0.value) })
    }
}
