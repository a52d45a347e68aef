import Foundation
import Support
import Tensors
import Weights

/// Checkpoints, from which an interrupted run can be resumed, in `training` inside the model folder.
extension ModelInTraining {
    private struct State<Run: Codable>: Codable {
        /// The trainer's own state: options, configuration, log.
        var run: Run
        /// The fingerprint of the images' names and texts.
        var data: String
        var next: Int
        var averagedSteps: Int
        var optimizerSteps: Int
    }

    /// Makes the folder, and checks that it can be written before hours of training.
    /// - Throws: ``AtomicFileError``
    func makeFolder() throws {
        try AtomicFile.makeFolder(output.appendingPathComponent("training"))
        // Unfinished files of a run that was killed.
        for file in (try? FileManager.default.contentsOfDirectory(atPath: url("").path)) ?? []
        where file.hasPrefix(".mmx-") && file.hasSuffix(".part") {
            try? FileManager.default.removeItem(at: url(file))
        }
        try AtomicFile.write(Data(), to: url("writable"))
        try? FileManager.default.removeItem(at: url("writable"))
    }

    private static var parts: [String] { ["parameters", "average", "adam"] }

    private func part(_ name: String, _ next: Int) -> URL { url("\(name)-\(next).safetensors") }

    /// Writes the run's state after an epoch. The tensors get new names, and `state.json`, which is written last,
    /// refers to them: an interruption in between leaves the previous checkpoint intact.
    func checkpoint(_ run: some Codable, data: String, next: Int) throws {
        for (name, values) in zip(Self.parts, [store.values, average, optimizer.state]) {
            try SafeTensors.write(values, to: part(name, next), type: .f32, metadata: [:])
        }
        let state = State(
            run: run, data: data, next: next, averagedSteps: averagedSteps, optimizerSteps: optimizer.steps)
        try AtomicFile.write(try JSON.file(state), to: url("state.json"))
        let current = Set(Self.parts.map { part($0, next).lastPathComponent })
        for file in (try? FileManager.default.contentsOfDirectory(atPath: url("").path)) ?? []
        where file.hasSuffix(".safetensors") && !current.contains(file)
            && Self.parts.contains(where: { file.hasPrefix("\($0)-") })
        {
            try? FileManager.default.removeItem(at: url(file))
        }
    }

    /// Restores the last checkpoint.
    /// - Returns: the trainer's own state and the next epoch; nil where there is no checkpoint.
    /// - Parameters:
    ///   - isSameRun: whether the checkpoint was made with the same options.
    ///   - isSameModel: whether it was made for the same model.
    /// - Throws: ``ModelError`` for a checkpoint of another run.
    func restore<Run: Codable>(
        _ type: Run.Type, data: String, isSameRun: (Run) -> Bool, isSameModel: (Run) -> Bool
    ) throws -> (run: Run, next: Int)? {
        guard let file = try? Data(contentsOf: url("state.json")) else { return nil }
        func refused(_ problem: String) -> ModelError { ModelError(path: url("state.json").path, problem: problem) }
        let state: State<Run>
        do { state = try JSONDecoder().decode(State<Run>.self, from: file) } catch {
            throw refused("is not a training checkpoint; remove it or train into another folder")
        }
        guard isSameRun(state.run) else {
            throw refused("was made with other options; resume with the same ones, or train into another folder")
        }
        guard state.data == data, isSameModel(state.run) else {
            throw refused(
                "was made from other images or texts, on another encoder, or at another image size; "
                    + "resume with the same ones, or train into another folder")
        }
        func owned(_ name: String) throws -> [String: Tensor] {
            try SafeTensors.read(part(name, state.next)).mapValues { $0.copy() }
        }
        set(try owned("parameters"))
        average = try owned("average")
        try optimizer.restore(state: owned("adam"), for: store, steps: state.optimizerSteps)
        averagedSteps = state.averagedSteps
        return (state.run, state.next)
    }
}
