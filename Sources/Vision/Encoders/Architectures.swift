import Support

/// The list of all networks that this version has.
public enum Architectures {
    /// Add each new network here.
    public static let all: [any Architecture] = [
        EfficientNetLite.all, [AlexNet()], VGG.all, ResNet.all, SqueezeNet.all, [GoogLeNet()],
        InceptionV3.all, [DenseNet(), MobileNetV2(), TinyCNN()],
    ].flatMap { $0 }

    /// The names of all networks.
    public static let names: [String] = all.map(\.name)

    private static let byName = Dictionary(uniqueKeysWithValues: all.map { ($0.name, $0) })

    /// - Throws: ``UnknownEncoder``
    public static func named(_ name: String) throws -> any Architecture {
        guard let architecture = byName[name] else { throw UnknownEncoder(name: name) }
        return architecture
    }
}

/// The error for a name that is not in ``Architectures/names``.
public struct UnknownEncoder: UserFacingError {
    public static let failureCode = FailureCode.model
    public let name: String
    public var description: String {
        "there is no encoder called '\(name)'; this version has \(Architectures.names.joined(separator: ", "))"
    }
}
