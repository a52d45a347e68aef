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
        /// The epoch with the best weights, counted from 1.
        var best: Int
        var averagedSteps: Int
        var optimizerSteps: Int

        /// Why the numbers cannot be those of a run of `epochs` epochs; nil where they can.
        func problem(epochs: Int) -> String? {
            // Far from overflowing, and more than a computer can do.
            let steps = 0...1_000_000_000_000
            if next != epochs { return "'next' is \(next), but its log has \(epochs) epochs" }
            if !(1...max(1, next)).contains(best) { return "'best' is \(best), not an epoch of its log" }
            if !steps.contains(averagedSteps) { return "'averagedSteps' is \(averagedSteps)" }
            return steps.contains(optimizerSteps) ? nil : "'optimizerSteps' is \(optimizerSteps)"
        }
    }

    /// Makes the folder, locks it, and checks that it can be written before hours of training. What killed runs have
    /// left is removed.
    /// - Returns: the lock, to be released when the run ends.
    /// - Throws: ``AtomicFileError``, also where another process trains into this folder.
    func lockFolder() throws -> FolderLock {
        try AtomicFile.makeFolder(folder)
        let lock = try FolderLock(folder)
        AtomicFile.removeLeftovers(in: output)
        try AtomicFile.write(Data(), to: url("writable"))
        try? FileManager.default.removeItem(at: url("writable"))
        return lock
    }

    private static var parts: [String] { ["parameters", "average", "adam"] }

    private func part(_ name: String, _ epoch: Int) -> URL { url("\(name)-\(epoch).safetensors") }

    /// Writes the run's state after an epoch. The tensors get new names, and `state.json`, which is written last,
    /// refers to them: an interruption in between leaves the previous checkpoint intact.
    func checkpoint(_ run: some Codable, data: String, next: Int) throws {
        for (name, values) in zip(Self.parts, [store.values, average, optimizer.state]) {
            try SafeTensors.write(values, to: part(name, next), type: .f32, durable: true)
        }
        let best = bestEpoch ?? next
        let state = State(
            run: run, data: data, next: next, best: best, averagedSteps: averagedSteps, optimizerSteps: optimizer.steps)
        try AtomicFile.write(try JSON.file(state), to: url("state.json"), durable: true)
        removeOthers(than: state)
    }

    /// Removes the tensors of other checkpoints: older ones, and one that was not finished.
    private func removeOthers<Run>(than state: State<Run>) {
        let current = Set(
            (Self.parts.map { part($0, state.next) } + [part("best", state.best)]).map(\.lastPathComponent))
        for file in (try? FileManager.default.contentsOfDirectory(atPath: folder.path)) ?? []
        where file.hasSuffix(".safetensors") && !current.contains(file)
            && (Self.parts + ["best"]).contains(where: { file.hasPrefix("\($0)-") })
        {
            try? FileManager.default.removeItem(at: url(file))
        }
    }

    /// Restores the last checkpoint.
    /// - Returns: the trainer's own state and the next epoch; nil where there is no checkpoint.
    /// - Parameters:
    ///   - epochs: the number of epochs that the run's log has.
    ///   - isSameRun: whether the checkpoint was made with the same options.
    ///   - isSameModel: whether it was made for the same model.
    /// - Throws: ``ModelError`` for a checkpoint of another run, `ParameterError` or `SafeTensorsError` for tensors
    ///   that do not fit; nothing has changed then.
    func restore<Run: Codable>(
        _ type: Run.Type, data: String, epochs: (Run) -> Int, isSameRun: (Run) -> Bool, isSameModel: (Run) -> Bool
    ) throws -> (run: Run, next: Int)? {
        func refused(_ problem: String) -> ModelError { ModelError(path: url("state.json").path, problem: problem) }
        let file: Data?
        do { file = try SmallFile.read(url("state.json"), atMost: 1 << 28) } catch { throw refused("\(error)") }
        guard let file else { return nil }
        let noCheckpoint = "is not a training checkpoint; remove it or train into another folder"
        let state: State<Run>
        do { state = try JSONDecoder().decode(State<Run>.self, from: file) } catch { throw refused(noCheckpoint) }
        guard isSameRun(state.run) else {
            throw refused("was made with other options; resume with the same ones, or train into another folder")
        }
        guard state.data == data, isSameModel(state.run) else {
            throw refused(
                "was made from other images or texts, on another encoder, or at another image size; "
                    + "resume with the same ones, or train into another folder")
        }
        if let problem = state.problem(epochs: epochs(state.run)) { throw refused("\(noCheckpoint): \(problem)") }
        let shapes = store.values.mapValues(\.shape)
        let parameters = try checkpointTensors(part("parameters", state.next), like: shapes)
        let averages = try checkpointTensors(part("average", state.next), like: shapes, areAllNeeded: false)
        let moments = part("adam", state.next)
        try checkTypes(moments)
        let adam = try SafeTensors.read(moments)
        // The best weights are needed at the end: better to know now.
        _ = try checkpointTensors(part("best", state.best), like: shapes)
        try optimizer.restore(state: adam, for: store, steps: state.optimizerSteps, origin: moments.path)
        set(parameters)
        average = averages
        averagedSteps = state.averagedSteps
        bestEpoch = state.best
        // The run may have been killed before it did so itself.
        removeOthers(than: state)
        return (state.run, state.next)
    }

    /// The tensors of a checkpoint's file, in memory of their own.
    /// - Parameters:
    ///   - shapes: the shapes that they must have, in memory layout.
    ///   - areAllNeeded: whether a tensor for each of `shapes` must be there.
    /// - Throws: `SafeTensorsError`, or `ParameterError` that names the file.
    func checkpointTensors(_ file: URL, like shapes: [String: [Int]], areAllNeeded: Bool = true) throws
        -> [String: Tensor]
    {
        try checkTypes(file)
        let tensors = try SafeTensors.read(file)
        var error = ParameterError(origin: file.path)
        for (name, tensor) in tensors.sorted(by: { $0.key < $1.key }) {
            guard let shape = shapes[name] else {
                error.unused.append(name)
                continue
            }
            if shape != tensor.shape { error.misshapen.append("\(name) (expected \(shape), found \(tensor.shape))") }
        }
        if areAllNeeded { error.missing = shapes.keys.filter { tensors[$0] == nil }.sorted() }
        if !error.isEmpty { throw error }
        return tensors.mapValues { $0.copy() }
    }

    /// Checkpoints are exact: their tensors are F32.
    private func checkTypes(_ file: URL) throws {
        guard let other = try SafeTensors.types(file).filter({ $0.value != "F32" }).min(by: { $0.key < $1.key }) else {
            return
        }
        throw SafeTensorsError(
            path: file.path,
            problem: "holds the tensor '\(other.key)' of type \(other.value); a training checkpoint has F32 only")
    }
}
