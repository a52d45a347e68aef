import Support

/// The table of methods.
public enum Methods {
    /// Every method, with `settings`.
    public static func all(_ settings: MethodSettings = MethodSettings()) -> [any ExplanationMethod] {
        [
            GradCAM(), CentredGradCAM(), GatedGradCAM(), GradCAMPlusPlus(), HiResCAM(), LayerCAM(), XGradCAM(),
            FinerCAM(settings.comparison), ShapleyCAM(),
            RefineCAM(), CAM(), EigenCAM(), ScoreCAM(), AblationCAM(), ModelAttention(), ActivationSum(),
            ImageGradient(), GradientTimesInput(),
            SmoothGrad(samples: settings.samples ?? 50, noise: settings.noise ?? 0.15, seed: settings.seed ?? 1),
            IntegratedGradients(steps: settings.samples ?? 50, baseline: settings.baseline ?? .black),
            Deconvnet(), GuidedBackpropagation(), GuidedGradCAM(),
            Occlusion(window: settings.window, stride: settings.stride, fill: settings.fill ?? .mean),
            RISE(
                masks: settings.samples ?? 1000, cells: settings.cells ?? 7, keep: settings.keep ?? 0.5,
                seed: settings.seed ?? 1),
        ]
    }

    /// The method of that name; case and `_` for `-` do not matter.
    /// - Throws: ``ExplanationError`` that names the nearest, or all.
    public static func named(
        _ name: String, settings: MethodSettings = MethodSettings()
    ) throws -> any ExplanationMethod {
        let methods = all(settings), wanted = plain(name)
        if let found = methods.first(where: { $0.name == wanted }) { return found }
        let near = nearestNames(to: wanted, in: methods.map(\.name))
        let known =
            near.isEmpty
            ? "there are \(methods.map(\.name).joined(separator: ", "))"
            : "near are: \(near.joined(separator: ", ")) (--list-methods shows all)"
        throw ExplanationError(
            kind: .unknownMethod, description: "there is no method '\(name.prefix(80))'; \(known)")
    }

    private static func plain(_ name: String) -> String {
        String(name.lowercased().map { $0 == "_" || $0 == " " ? "-" : $0 })
    }
}
