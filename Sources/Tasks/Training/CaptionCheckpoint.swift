import Foundation
import Tensors
import Weights

/// What a run needs to go on after an interruption, in `training` inside the model folder.
extension CaptionTrainer {
    private struct State: Codable {
        var options: CaptionTrainingOptions
        var model: CaptionerConfiguration
        /// Of the pictures' names and captions.
        var data: String
        var next: Int
        var averagedSteps: Int
        var optimizerSteps: Int
        var log: [TrainingEpoch]
    }

    func url(_ name: String) -> URL { output.appendingPathComponent("training/\(name)") }

    /// Makes the folder, and tries it before hours are spent on what cannot be written.
    /// - Throws: ``AtomicFileError``
    func makeFolder() throws {
        try AtomicFile.makeFolder(output.appendingPathComponent("training"))
        // What a run that was killed had begun to write.
        for file in (try? FileManager.default.contentsOfDirectory(atPath: url("").path)) ?? []
        where file.hasPrefix(".mmx-") && file.hasSuffix(".part") {
            try? FileManager.default.removeItem(at: url(file))
        }
        try AtomicFile.write(Data(), to: url("writable"))
        try? FileManager.default.removeItem(at: url("writable"))
    }

    private static let parts = ["parameters", "average", "adam"]

    private func part(_ name: String, _ next: Int) -> URL { url("\(name)-\(next).safetensors") }

    /// Writes the run's state after an epoch. Its tensors are under new names until `state.json`, written last, speaks of them: an interruption in
    /// between leaves the former checkpoint whole.
    func checkpoint(next: Int) throws {
        for (name, values) in zip(Self.parts, [store.values, average, optimizer.state]) {
            try SafeTensors.write(values, to: part(name, next), type: .f32, metadata: [:])
        }
        let state = State(
            options: options, model: configuration, data: dataHash, next: next, averagedSteps: averagedSteps, optimizerSteps: optimizer.steps,
            log: log)
        let encoder = JSONEncoder()
        encoder.outputFormatting = [.sortedKeys, .prettyPrinted]
        try AtomicFile.write(try encoder.encode(state), to: url("state.json"))
        let current = Set(Self.parts.map { part($0, next).lastPathComponent })
        for file in (try? FileManager.default.contentsOfDirectory(atPath: url("").path)) ?? []
        where file.hasSuffix(".safetensors") && !current.contains(file) && Self.parts.contains(where: { file.hasPrefix("\($0)-") }) {
            try? FileManager.default.removeItem(at: url(file))
        }
    }

    /// The epoch to go on with; nil where there is no checkpoint.
    /// - Throws: ``ModelError`` for a checkpoint of another run.
    func restore() throws -> Int? {
        guard let data = try? Data(contentsOf: url("state.json")) else { return nil }
        func refused(_ problem: String) -> ModelError { ModelError(path: url("state.json").path, problem: problem) }
        let state: State
        do { state = try JSONDecoder().decode(State.self, from: data) } catch {
            throw refused("is not a training checkpoint; remove it or train into another folder")
        }
        // The stretches to train may change: a run may be made longer.
        var compared = state.options
        compared.phases = options.phases
        guard compared == options else {
            throw refused("was made with other options; resume with the same ones, or train into another folder")
        }
        guard state.data == dataHash, state.model == configuration else {
            throw refused(
                "was made from other pictures or captions, or at another picture size; resume with the same ones, or train into another folder")
        }
        func owned(_ name: String) throws -> [String: Tensor] {
            try SafeTensors.read(part(name, state.next)).mapValues { $0.copy() }
        }
        set(try owned("parameters"))
        average = try owned("average")
        try optimizer.restore(state: owned("adam"), for: store, steps: state.optimizerSteps)
        averagedSteps = state.averagedSteps
        log = state.log
        return state.next
    }

    /// FNV-1a of the names and captions, in their order.
    private var dataHash: String {
        var hash: UInt64 = 0xCBF2_9CE4_8422_2325
        for entry in train.entries + dev.entries {
            for byte in ([entry.image] + entry.captions).joined(separator: "\n").utf8 + [0] {
                hash = (hash ^ UInt64(byte)) &* 0x100_0000_01B3
            }
        }
        return String(hash, radix: 16)
    }
}
