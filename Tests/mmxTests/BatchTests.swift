import Explain
import Foundation
import Tensors
import TestSupport
import Vision
import Weights
import XCTest

/// `mmx caption`, `vqa` and `classify` on many photographs, as a user runs them.
final class BatchTests: ProgramTestCase {
    /// Ten photographs in three folders, two of one name, and three that cannot be explained.
    private let names = [
        "photos/0.png", "photos/1.png", "photos/2.png", "photos/3.png", "photos/4.png", "photos/a/0.png",
        "photos/a/1.png", "photos/b/0.png", "photos/broken.png", "photos/cut.png", "photos/text.jpg",
    ]

    override func setUpWithError() throws {
        try super.setUpWithError()
        let manager = FileManager.default
        for folder in ["photos/a", "photos/b"] {
            try manager.createDirectory(at: url(folder), withIntermediateDirectories: true)
        }
        for (index, name) in names.prefix(8).enumerated() {
            try ToyScene(seed: 77, index: index).image.write(to: url(name))
        }
        try write("photos/broken.png", "")
        try Data(contentsOf: url("toy.png")).prefix(200).write(to: url("photos/cut.png"))
        try write("photos/text.jpg", "no picture")
        try write("photos/notes.txt", "no photograph by its name")
        try Data(contentsOf: url("toy.png")).write(to: url("photos/.hidden.png"))
    }

    /// - Parameter before: what the shell does first.
    private func shell(_ command: String, before: String = "") throws -> Outcome {
        let text = command.replacingOccurrences(
            of: "MMX", with: "'\(Self.program.path)' caption --model '\(Self.model.path)'")
        return try run(["-c", before + text], program: URL(fileURLWithPath: "/bin/bash"))
    }

    private func batch(_ arguments: String..., output: String, threads: String? = nil) throws -> Outcome {
        var environment = ProcessInfo.processInfo.environment
        environment["MMX_THREADS"] = threads
        return try run(
            ["caption", "--model", Self.model.path] + arguments + ["--output", output], environment: environment)
    }

    private func records(_ text: String) throws -> [[String: Any]] {
        try text.split(separator: "\n").map {
            try XCTUnwrap(JSONSerialization.jsonObject(with: Data($0.utf8)) as? [String: Any])
        }
    }

    private func records(in folder: String) throws -> [[String: Any]] {
        try records(String(contentsOf: url("\(folder)/results.jsonl"), encoding: .utf8))
    }

    /// Every file of a folder of results but the times, by its path in it.
    private func contents(_ folder: String) throws -> [String: Data] {
        var found: [String: Data] = [:]
        let root = url(folder)
        for case let name as String in try XCTUnwrap(FileManager.default.enumerator(atPath: root.path)) {
            let file = root.appendingPathComponent(name)
            var isFolder: ObjCBool = false
            if FileManager.default.fileExists(atPath: file.path, isDirectory: &isFolder), isFolder.boolValue {
                continue
            }
            if name != "times.jsonl" { found[name] = try Data(contentsOf: file) }
        }
        return found
    }

    private func assertSame(_ folder: String, _ other: String, line: UInt = #line) throws {
        let one = try contents(folder), two = try contents(other)
        XCTAssertEqual(one.keys.sorted(), two.keys.sorted(), line: line)
        for (name, data) in one { XCTAssertEqual(data, two[name], name, line: line) }
    }

    // MARK: Records

    func testFolder_becomesRecordsInOrder_withErrorsAmongThem() throws {
        let outcome = try batch("photos", "--explain-all", "--csv", output: "run")
        XCTAssertEqual(outcome.code, 7, outcome.errors)
        XCTAssertTrue(outcome.errors.contains("3 of 11 photographs could not be explained"), outcome.errors)
        XCTAssertTrue(outcome.errors.contains("passed over 1 file (.txt)"), outcome.errors)
        XCTAssertTrue(outcome.output.hasPrefix("11 photographs, 3 failed"), outcome.output)
        let records = try records(in: "run")
        XCTAssertEqual(records.map { $0["image"] as? String }, names)
        XCTAssertEqual(records.map { $0["index"] as? Int }, Array(0..<11))
        XCTAssertEqual(records.map { $0["errorKind"] as? String }.suffix(3), ["truncated", "truncated", "unsupported"])
        // All records have the same columns.
        XCTAssertEqual(Set(records.map { Set($0.keys) }).count, 1)
        XCTAssertEqual(
            files("run"),
            ["checkpoint.json", "maps-00000.npz", "results.csv", "results.jsonl", "run.json", "times.jsonl"])
        let table = try String(contentsOf: url("run/results.csv"), encoding: .utf8).split(separator: "\n")
        XCTAssertEqual(table.count, 12)
        XCTAssertEqual(
            Set(table.prefix(9).map { $0.split(separator: ",", omittingEmptySubsequences: false).count }).count, 1)
        XCTAssertTrue(table[11].hasSuffix(",\"it is a text file, in spite of its name; only JPEG and PNG are read\""))
    }

    /// Two photographs of one name do not overwrite one another, and what a record says is what the command says of
    /// the photograph alone, to the last bit.
    func testRecord_equalsTheCommandOnThePhotographAlone() throws {
        XCTAssertEqual(try batch("photos", "--explain-all", output: "run", threads: "2").code, 7)
        let records = try records(in: "run")
        let maps = try NumPyArray.readArchive(url("run/maps-00000.npz"))
        XCTAssertEqual(maps.count, 8)
        for index in [0, 5, 7] {
            let alone = try caption(names[index], "--explain-all", "--json", "--output", "alone-\(index)")
            let manifest = try JSONDecoder().decode(CaptionManifest.self, from: Data(alone.output.utf8))
            let record = records[index]
            XCTAssertEqual(record["caption"] as? String, manifest.caption)
            XCTAssertEqual(record["sha256"] as? String, manifest.photo.sha256)
            let targets = try XCTUnwrap(record["targets"] as? [[String: Any]])
            XCTAssertEqual(targets.compactMap { $0["name"] as? String }, manifest.scores.map(\.name))
            let name = "00000000\(index)-\(manifest.scores[0].method)"
            let written = try XCTUnwrap(maps[name], "\(maps.keys)")
            XCTAssertEqual(written.shape[0], manifest.scores.count)
            for (row, score) in manifest.scores.enumerated() {
                let single = try NumPyArray.read(result(score.files.rawMap, in: "alone-\(index)"))
                XCTAssertEqual(written.row(row).array, single.array)
            }
        }
    }

    func testThreads_doNotChangeABit() throws {
        XCTAssertEqual(try batch("photos", "--explain-all", "--csv", output: "one", threads: "1").code, 7)
        XCTAssertEqual(try batch("photos", "--explain-all", "--csv", output: "four", threads: "4").code, 7)
        try assertSame("one", "four")
    }

    func testFilesAndPictures_areWrittenWhereAsked() throws {
        let outcome = try batch(
            "toy.png", "photos/a", "--explain-word", "square", "--files", "--pictures", output: "run")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertFalse(files("run").contains("maps-00000.npz"))
        let targets = try records(in: "run").map { try XCTUnwrap($0["targets"] as? [[String: Any]]) }
        for target in targets.flatMap(\.self) {
            let named = try XCTUnwrap(target["files"] as? [String: String])
            XCTAssertEqual(Set(named.keys), ["heatMap", "overlay", "rawMap"])
            for name in named.values {
                XCTAssertTrue(FileManager.default.fileExists(atPath: url("run/\(name)").path), name)
            }
        }
        XCTAssertEqual(files("run/files/000000").count, 9)
        // Maps alone.
        XCTAssertEqual(try batch("photos/a", "--explain-word", "square", "--files", output: "maps").code, 0)
        XCTAssertTrue(files("maps/files/000000").allSatisfy { $0.hasSuffix("-map.npy") })
        XCTAssertEqual(files("maps/files/000000").count, 2)
    }

    // MARK: Nothing is lost

    /// Killed again and again, at whatever moment; the result is that of a run without interruption.
    func testKilled_goesOn_toTheSameBytes() throws {
        let arguments = ["photos", "--explain-all", "--csv", "--pictures"]
        XCTAssertEqual(try run(["caption", "--model", Self.model.path] + arguments + ["--output", "whole"]).code, 7)
        for milliseconds in [15, 30, 60, 90, 120] {
            let process = Process()
            process.executableURL = Self.program
            process.arguments = ["caption", "--model", Self.model.path] + arguments + ["--output", "killed"]
            process.currentDirectoryURL = folder
            (process.standardOutput, process.standardError) = (FileHandle.nullDevice, FileHandle.nullDevice)
            try process.run()
            usleep(UInt32(milliseconds) * 1_000)
            kill(process.processIdentifier, SIGKILL)
            process.waitUntilExit()
        }
        XCTAssertEqual(try run(["caption", "--model", Self.model.path] + arguments + ["--output", "killed"]).code, 7)
        try assertSame("whole", "killed")
    }

    /// A checkpoint in the middle, an archive that was finished just then, and lines behind the checkpoint.
    func testCheckpoint_inTheMiddle_isGoneBackTo() throws {
        XCTAssertEqual(try batch("photos", "--explain-all", output: "whole").code, 7)
        XCTAssertEqual(try batch("photos", "--explain-all", output: "part").code, 7)
        let lines = try String(contentsOf: url("part/results.jsonl"), encoding: .utf8).split(separator: "\n")
        let bytes = lines.prefix(4).map { $0.utf8.count + 1 }.reduce(0, +)
        let times = try String(contentsOf: url("part/times.jsonl"), encoding: .utf8).split(separator: "\n")
        let archive = try Data(contentsOf: url("part/maps-00000.npz"))
        // The fifth local header.
        let start = try XCTUnwrap(archive.range(of: Data("000000004-".utf8))?.lowerBound) - 30
        try write(
            "part/checkpoint.json",
            """
            {"photographs": 4, "failed": 0, "isComplete": false, "archive": 0, "archiveBytes": \(start), "bytes":
            {"results.jsonl": \(bytes), "times.jsonl": \(times.prefix(4).map { $0.utf8.count + 1 }.reduce(0, +))}}
            """)
        let outcome = try batch("photos", "--explain-all", output: "part")
        XCTAssertEqual(outcome.code, 7, outcome.errors)
        XCTAssertTrue(outcome.output.contains("4 of them done before"), outcome.output)
        try assertSame("whole", "part")
        // Done: nothing is done again.
        let again = try batch("photos", "--explain-all", output: "part")
        XCTAssertTrue(again.output.contains("11 of them done before"), again.output)
        try assertSame("whole", "part")
    }

    /// The file that is full is the archive, or with long names the records, when the archive has the maps already.
    func testFullDisk_losesNothing() throws {
        let long = String(repeating: "./", count: 2_000)
        for (folder, path, options, fullFile) in [
            ("short", "photos/", "--explain-all", "maps-00000.npz.part"),
            ("long", "photos/\(long)", "--explain-word square", "results.jsonl"),
        ] {
            try write("names.txt", (0..<8).map { "\(path)\($0 % 5).png" }.joined(separator: "\n"))
            let whole = try shell("MMX - \(options) --output \(folder)-whole < names.txt")
            XCTAssertEqual(whole.code, 0, whole.errors)
            for kilobytes in stride(from: 2, through: 20, by: 3) {
                // A file that grows beyond the limit is an error as a full disk is.
                let full = try shell(
                    "MMX - \(options) --output \(folder) < names.txt", before: "ulimit -f \(kilobytes); ")
                XCTAssertEqual(full.code, 6, "\(kilobytes): \(full.errors)")
                XCTAssertTrue(full.errors.contains("cannot write ") && full.errors.contains(fullFile), full.errors)
            }
            XCTAssertEqual(try shell("MMX - \(options) --output \(folder) < names.txt").code, 0)
            try assertSame("\(folder)-whole", folder)
        }
    }

    func testOtherOptions_areRefusedWithTheDifference() throws {
        XCTAssertEqual(try batch("photos/a", "--explain-all", output: "run").code, 0)
        assertFails(
            try batch("photos/a", "--explain-all", "--beam", "2", output: "run"), 6, "results of another command",
            "beam: Optional(2), in the folder nil")
        assertFails(
            try batch("photos/b", "--explain-all", output: "run"), 6, "photographs are others", "photos/a/0.png")
        // More photographs behind the same ones are done too.
        let more = try batch("photos/a", "photos/b", "--explain-all", output: "run")
        XCTAssertEqual(more.code, 0, more.errors)
        XCTAssertEqual(try batch("photos/a", "photos/b", "--explain-all", output: "whole").code, 0)
        try assertSame("run", "whole")
        // Killed as soon as it goes on behind a finished folder: the former command has its archive whole again.
        XCTAssertEqual(try batch("photos/a", "--explain-all", output: "former").code, 0)
        XCTAssertEqual(try batch("photos/a", "--explain-all", output: "longer").code, 0)
        let killed = try shell(
            "mkfifo more; MMX photos/a - --explain-all --output longer < more & exec 3> more; echo photos/b/0.png >&3; "
                + "for i in {1..200}; do test -e longer/maps-00000.npz || break; sleep 0.05; done; kill -KILL $!")
        XCTAssertEqual(try contents("longer")["maps-00000.npz"], nil, killed.errors)
        XCTAssertEqual(try batch("photos/a", "--explain-all", output: "longer").code, 0)
        var (former, longer) = (try contents("former"), try contents("longer"))
        // What the command names stands in run.json.
        (former["run.json"], longer["run.json"]) = (nil, nil)
        XCTAssertEqual(former, longer)
        // A folder that is no batch's, and one where nothing was written yet.
        try FileManager.default.createDirectory(at: url("other"), withIntermediateDirectories: true)
        try write("other/results.jsonl", "mine")
        assertFails(try batch("photos/a", output: "other"), 6, "results.jsonl but no run.json")
        assertFails(try batch("photos/a", "--explain-word", "zzyzx", output: "new"), 2, "zzyzx")
        XCTAssertEqual(try batch("photos/a", "--explain-word", "square", output: "new").code, 0)
    }

    /// Ctrl-C ends after the photographs in hand.
    func testInterrupted_endsCleanlyAndGoesOn() throws {
        try write("names.txt", (0..<400).map { "photos/\($0 % 5).png" }.joined(separator: "\n"))
        XCTAssertEqual(try shell("MMX - --explain-all --output whole < names.txt").code, 0)
        let stopped = try shell("timeout -s INT 0.15 MMX - --explain-all --output part < names.txt; exit $?")
        XCTAssertTrue([124, 0].contains(stopped.code), stopped.errors)
        let goesOn = try shell("MMX - --explain-all --output part < names.txt")
        XCTAssertEqual(goesOn.code, 0, goesOn.errors)
        try assertSame("whole", "part")
    }

    func testStrict_stopsAtTheFirst() throws {
        assertFails(try batch("photos", "--strict", output: "run"), 3, "broken.png", "empty")
        XCTAssertEqual(try records(in: "run").count, 8)
    }

    // MARK: Lists, archives, standard input

    func testStandardInput_namesOrBytesOrJSON() throws {
        let expected = try batch("photos/0.png", "photos/a/1.png", "--explain-all", output: "run")
        XCTAssertEqual(expected.code, 0, expected.errors)
        let captions = try records(in: "run").map { $0["caption"] as? String }
        let names = try shell("printf 'photos/0.png\\n\\nphotos/a/1.png\\r\\n' | MMX - --jsonl --explain-all")
        XCTAssertEqual(names.code, 0, names.errors)
        let found = try records(names.output)
        XCTAssertEqual(found.map { $0["caption"] as? String }, captions)
        // Without a folder, the maps are in the lines.
        let maps = try XCTUnwrap(found[0]["mapValues"] as? [String: [String: Any]])
        let archive = try NumPyArray.readArchive(url("run/maps-00000.npz"))
        for (name, encoded) in maps {
            let data = try XCTUnwrap(Data(base64Encoded: encoded["float32"] as? String ?? ""))
            let values = data.withUnsafeBytes { Array($0.bindMemory(to: Float.self)) }
            XCTAssertEqual(values, archive[name]?.array)
            XCTAssertEqual(encoded["shape"] as? [Int], archive[name]?.shape)
        }
        let zeros = try shell("printf 'photos/0.png\\0photos/a/1.png\\0' | MMX - --jsonl")
        XCTAssertEqual(try records(zeros.output).map { $0["caption"] as? String }, captions)
        let bytes = try Data(contentsOf: url("photos/a/1.png")).base64EncodedString()
        try write(
            "list", "{\"image\": \"photos/0.png\"}\n{\"name\": \"there/b.png\", \"bytes\": \"\(bytes)\"}\n{\"nam\n[]\n")
        let json = try shell("MMX - --jsonl < list")
        XCTAssertEqual(json.code, 7, json.errors)
        let lines = try records(json.output)
        XCTAssertEqual(lines.prefix(2).map { $0["caption"] as? String }, captions)
        XCTAssertEqual(lines[1]["image"] as? String, "there/b.png")
        XCTAssertEqual((lines[2]["error"] as? String)?.contains("standard input, line 3"), true)
        // A photograph's own bytes are one photograph, and a list that names a folder says so.
        let alone = try shell("MMX - --explain-word square < photos/0.png")
        XCTAssertEqual(alone.output.split(separator: "\n").first.map(String.init), captions[0])
        XCTAssertTrue(files().contains { $0.hasPrefix("standard-input-") }, "\(files())")
        let listed = try shell("printf 'photos\\nphotos/0.png\\n' | MMX - --jsonl")
        XCTAssertEqual(listed.code, 7)
        XCTAssertEqual((try records(listed.output)[0]["error"] as? String)?.contains("it is a folder"), true)
    }

    /// A record comes as soon as its photograph is there: a program may wait for it before it sends the next.
    func testStandardInput_answersLineByLine() throws {
        let outcome = try shell(
            """
            coproc M { MMX - --jsonl; }; for i in 0 1 2; do echo photos/$i.png >&${M[1]}; read -t 20 -r line <&${M[0]} \
            || exit 9; echo "$line"; done; eval "exec ${M[1]}>&-"; wait $M_PID
            """)
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        XCTAssertEqual(try records(outcome.output).count, 3)
    }

    func testJSONList_asksSomethingOfEachPhotograph() throws {
        try write(
            "photos/list.jsonl",
            """
            {"image": "0.png", "words": ["square"]}
            {"image": "1.png", "caption": "a red circle"}
            {"image": "2.png", "words": ["zzyzx"]}
            {"image": "3.png", "caption": ""}

            """)
        let outcome = try batch("photos/list.jsonl", "--explain-word", "circle", output: "run")
        XCTAssertEqual(outcome.code, 7, outcome.errors)
        let records = try records(in: "run")
        func targets(_ index: Int) -> [String] {
            (records[index]["targets"] as? [[String: Any]] ?? []).compactMap { $0["name"] as? String }
        }
        XCTAssertEqual(targets(0), ["square"])
        XCTAssertEqual(records[1]["caption"] as? String, "a red circle")
        XCTAssertEqual(targets(1), ["circle"])
        XCTAssertEqual(records[2]["errorKind"] as? String, "request")
        XCTAssertEqual(records[3]["errorKind"] as? String, "request")
    }

    func testArchive_ofEveryKind_isReadInItsOrder() throws {
        let long = String(repeating: "long/", count: 40) + "name.png"
        try FileManager.default.createDirectory(
            at: url("d/\(long)").deletingLastPathComponent(), withIntermediateDirectories: true)
        for name in ["d/z.png", "d/\(long)", "d/a.png"] { try Data(contentsOf: url("toy.png")).write(to: url(name)) }
        try write("d/z.json", "{}")
        for format in ["ustar", "gnu", "pax", "v7"] {
            // The oldest formats have no long names.
            let names = ["z.png", "z.json"] + (format == "gnu" || format == "pax" ? [long] : []) + ["a.png"]
            let made = try shell("tar -C d --format=\(format) -cf \(format).tar \(names.joined(separator: " "))")
            XCTAssertEqual(made.code, 0, made.errors)
            let outcome = try shell("MMX \(format).tar --jsonl")
            XCTAssertEqual(outcome.code, 0, outcome.errors)
            XCTAssertEqual(
                try records(outcome.output).compactMap { $0["image"] as? String },
                names.filter { $0 != "z.json" }.map { "\(format).tar/\($0)" })
        }
        // A shard reads its own members alone, and work that goes on passes over the others.
        let part = try shell("MMX gnu.tar --jsonl --shard 2/3")
        XCTAssertEqual(try records(part.output).compactMap { $0["image"] as? String }, ["gnu.tar/\(long)"])
        XCTAssertEqual(try batch("gnu.tar", output: "run").code, 0)
        let again = try batch("gnu.tar", "toy.png", output: "run")
        XCTAssertTrue(again.output.hasPrefix("4 photographs, 0 failed, 3 of them done before"), again.output)
        let archive = try Data(contentsOf: url("gnu.tar"))
        try archive.prefix(archive.count / 2).write(to: url("cut.tar"))
        let cut = try shell("MMX cut.tar toy.png --jsonl")
        XCTAssertEqual(cut.code, 7)
        let found = try records(cut.output)
        XCTAssertEqual(found.compactMap { $0["caption"] as? String }.count, found.count - 1)
        XCTAssertEqual(
            found.compactMap { $0["error"] as? String }.map {
                $0.contains("cut.tar: the archive ends in the middle of")
            },
            [true])
        XCTAssertEqual(found.last?["image"] as? String, "toy.png")
        XCTAssertEqual(try shell("gzip -k gnu.tar && mv gnu.tar.gz packed.tar").code, 0)
        let packed = try records(shell("MMX packed.tar --jsonl").output)
        XCTAssertEqual((packed[0]["error"] as? String)?.contains("compressed"), true)
    }

    /// A photograph that claims 240 megapixels is one record with an error, and the next ones are explained.
    func testHugePhotograph_amongSmallOnes_isARecordThatSaysHowToAllowIt() throws {
        var huge = try Data(contentsOf: url("toy.png"))
        // The header's width and height, 20,000 x 12,000, and its checksum.
        huge.replaceSubrange(16..<24, with: [0, 0, 0x4E, 0x20, 0, 0, 0x2E, 0xE0])
        try huge.write(to: url("photos/a/huge.png"))
        let outcome = try batch("photos/a", "photos/b", output: "run")
        XCTAssertEqual(outcome.code, 7, outcome.errors)
        let records = try records(in: "run")
        XCTAssertEqual(records.map { $0["errorKind"] as? String }, [nil, nil, "tooLarge", nil])
        XCTAssertEqual((records[2]["error"] as? String)?.contains("--max-pixels"), true, "\(records[2])")
    }

    func testReaderGone_endsTheRun() throws {
        let outcome = try shell(
            "yes photos/0.png | head -2000 | MMX - --jsonl | head -1 > /dev/null; exit ${PIPESTATUS[2]}")
        XCTAssertEqual(outcome.code, 141, outcome.errors)
    }

    func testNothingToDo_saysSo() throws {
        try FileManager.default.createDirectory(at: url("empty"), withIntermediateDirectories: true)
        assertFails(try batch("empty", output: "run"), 3, "empty", "no photograph")
        XCTAssertFalse(FileManager.default.fileExists(atPath: url("run").path))
        let outcome = try mmx("caption", "photos", "--model", Self.model.path)
        XCTAssertEqual(outcome.code, 64)
        XCTAssertTrue(outcome.errors.contains("--output run"), outcome.errors)
    }

    // MARK: Shards

    func testShards_mergeToTheWhole() throws {
        let options = ["--explain-all", "--csv", "--pictures"]
        XCTAssertEqual(
            try run(["caption", "--model", Self.model.path, "photos"] + options + ["--output", "whole"]).code, 7)
        var environment = ProcessInfo.processInfo.environment
        for task in 4...6 {
            (environment["SLURM_ARRAY_TASK_ID"], environment["SLURM_ARRAY_TASK_COUNT"]) = ("\(2 * task)", "3")
            (environment["SLURM_ARRAY_TASK_MIN"], environment["SLURM_ARRAY_TASK_MAX"]) = ("8", "12")
            environment["SLURM_ARRAY_TASK_STEP"] = "2"
            let part = try run(
                ["caption", "--model", Self.model.path, "photos"] + options + ["--output", "run-\(task)"],
                environment: environment)
            XCTAssertTrue([0, 7].contains(part.code), part.errors)
            XCTAssertTrue(part.errors.contains("shard \(task - 3)/3, from SLURM_ARRAY_TASK_ID"), part.errors)
        }
        // Some tasks alone, submitted again: they do not know how many there were.
        (environment["SLURM_ARRAY_TASK_MAX"], environment["SLURM_ARRAY_TASK_ID"]) = ("20", "8")
        assertFails(
            try run(["caption", "--model", Self.model.path, "photos", "--output", "gaps"], environment: environment), 3,
            "Slurm array with gaps", "--shard i/n")
        assertFails(try mmx("merge", "run-6", "run-4", "--output", "merged"), 6, "shard 2/3 missing")
        assertFails(try mmx("merge", "run-4", "run-4", "run-5", "--output", "merged"), 6, "shard 1/3 is in")
        assertFails(try mmx("merge", "photos", "--output", "merged"), 6, "no folder of results")
        XCTAssertEqual(try batch("photos", "--shard", "1/3", output: "other").code, 7)
        assertFails(try mmx("merge", "other", "run-5", "run-6", "--output", "merged"), 6, "another command")
        let merged = try mmx("merge", "run-6", "run-4", "run-5", "--output", "merged")
        XCTAssertEqual(merged.code, 0, merged.errors)
        XCTAssertTrue(merged.output.hasPrefix("11 photographs, 3 failed"), merged.output)
        try assertSame("whole", "merged")
    }

    /// Archives of 50 photographs each (maps of pixels), a shard's as large as the whole's: records name the archive
    /// that has their maps, before the merge and after it.
    func testArchives_followOneAnother_alsoInShards() throws {
        try write("names.txt", (0..<120).map { "photos/\($0 % 5).png" }.joined(separator: "\n"))
        let options = "--explain-word square --method gradient --score logit"
        for (name, more) in [("whole", ""), ("one", "--shard 1/2"), ("two", "--shard 2/2")] {
            let outcome = try shell("MMX - \(options) \(more) --output \(name) < names.txt")
            XCTAssertEqual(outcome.code, 0, outcome.errors)
        }
        XCTAssertEqual(files("whole").filter { $0.hasPrefix("maps-") }, (0...2).map { "maps-0000\($0).npz" })
        XCTAssertEqual(files("two").filter { $0.hasPrefix("maps-") }, (0...1).map { "maps-0000\($0).npz" })
        for folder in ["whole", "one", "two"] {
            var archives: [String: [String: Tensor]] = [:]
            for record in try records(in: folder) {
                let archive = try XCTUnwrap(record["maps"] as? String), index = try XCTUnwrap(record["index"] as? Int)
                if archives[archive] == nil {
                    archives[archive] = try NumPyArray.readArchive(url("\(folder)/\(archive)"))
                }
                XCTAssertNotNil(
                    archives[archive]?["\(String(format: "%09d", index))-gradient"], "\(folder), \(index)")
            }
        }
        XCTAssertEqual(try mmx("merge", "one", "two", "--output", "merged").code, 0)
        try assertSame("whole", "merged")
    }

    func testMerge_ofShardsOfOtherPhotographs_isRefused() throws {
        XCTAssertEqual(try batch("photos/a", "--shard", "1/2", output: "one").code, 0)
        XCTAssertEqual(try batch("toy.png", "wide.png", "--shard", "2/2", output: "two").code, 0)
        assertFails(try mmx("merge", "one", "two", "--output", "merged"), 6, "photographs: photos/a, there toy.png")
    }

    func testMerge_ofAnUnfinishedShard_isRefused() throws {
        let stopped = try batch("photos", "--strict", "--shard", "1/1", output: "run")
        XCTAssertEqual(stopped.code, 3)
        assertFails(try mmx("merge", "run", "--output", "merged"), 6, "shard 1/1 is not finished")
    }

    // MARK: Other commands

    func testVQA_onManyPhotographs() throws {
        let model = Self.model.deletingLastPathComponent().appendingPathComponent("toy-vqa").path
        let outcome = try run(
            ["vqa", "--model", model, "photos/a", "toy.png", "is there a red circle?", "--output", "run", "--csv"])
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let records = try records(in: "run")
        XCTAssertEqual(records.map { $0["image"] as? String }, ["photos/a/0.png", "photos/a/1.png", "toy.png"])
        let alone = try run(["vqa", "--model", model, "toy.png", "is there a red circle?", "--json"])
        let manifest = try JSONDecoder().decode(VQAManifest.self, from: Data(alone.output.utf8))
        let answers = (records[2]["questions"] as? [[String: Any]])?.first?["answers"] as? [[String: Any]]
        XCTAssertEqual(answers?.compactMap { $0["answer"] as? String }, manifest.questions[0].answers.map(\.answer))
        let archive = try NumPyArray.readArchive(url("run/maps-00000.npz"))
        XCTAssertEqual(archive.keys.sorted().last, "000000002-answers-\(manifest.questions[0].scores[0].method)")
        try write(
            "list.jsonl",
            "{\"image\": \"toy.png\", \"question\": \"what color is the circle?\"}\n{\"image\": \"wide.png\"}\n")
        let listed = try run(["vqa", "--model", model, "list.jsonl", "--jsonl"])
        XCTAssertEqual(listed.code, 7, listed.errors)
        XCTAssertTrue(listed.output.contains("what color is the circle?"))
        XCTAssertTrue(listed.output.contains("no question is asked of this photograph"))
        let unquoted = try run(["vqa", "--model", model, "photos", "is", "it", "--output", "other"])
        XCTAssertEqual(unquoted.code, 64, unquoted.errors)
        XCTAssertTrue(unquoted.errors.contains("mmx vqa photos \"is it\""), unquoted.errors)
        let unasked = try run(["vqa", "--model", model, "toy.png", "wide.png"])
        XCTAssertEqual(unasked.code, 64, unasked.errors)
    }

    func testClassify_onManyPhotographs() throws {
        let environment = try importClassifier(classes: ["cat", "dog", "fox"])
        let outcome = try run(
            ["classify", "--model", "tiny", "photos/a", "toy.png", "--explain", "--output", "run"],
            environment: environment)
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let alone = try run(["classify", "--model", "tiny", "toy.png", "--json"], environment: environment)
        let manifest = try JSONDecoder().decode(ClassManifest.self, from: Data(alone.output.utf8))
        let record = try records(in: "run")[2]
        XCTAssertEqual(
            (record["classes"] as? [[String: Any]])?.compactMap { $0["name"] as? String }, manifest.classes.map(\.name))
        XCTAssertEqual(try NumPyArray.readArchive(url("run/maps-00000.npz")).count, 3)
    }

    func testReport_countsWhatIsThere() throws {
        XCTAssertEqual(try batch("photos", "--explain-all", output: "run").code, 7)
        let outcome = try mmx("report", "run", "--json", "--top", "2")
        XCTAssertEqual(outcome.code, 0, outcome.errors)
        let report = try XCTUnwrap(
            JSONSerialization.jsonObject(with: Data(outcome.output.utf8)) as? [String: Any])
        XCTAssertEqual([report["photographs"] as? Int, report["failed"] as? Int], [11, 3])
        let failures = try XCTUnwrap(report["failures"] as? [[String: Any]])
        XCTAssertEqual(failures.map { $0["text"] as? String }, ["truncated", "unsupported"])
        XCTAssertEqual(failures.map { $0["count"] as? Int }, [2, 1])
        let words = try records(in: "run").flatMap { $0["words"] as? [[String: Any]] ?? [] }
            .compactMap { $0["word"] as? String }
        let counts = Dictionary(grouping: words, by: \.self).mapValues(\.count)
        let commonest = try XCTUnwrap((report["commonestWords"] as? [[String: Any]])?.first)
        XCTAssertEqual(commonest["count"] as? Int, counts.values.max())
        XCTAssertEqual((report["slowest"] as? [Any])?.count, 2)
        XCTAssertTrue(try mmx("report", "run").output.hasPrefix("11 photographs, 3 failed"))
        assertFails(try mmx("report", "photos"), 6, "no folder of results")
    }
}
