extension MapRecipe {
    /// The methods `own`, and beside them the model's own attention, which every method is held against.
    /// - Parameter attention: whether the model attends, over the layer of the maps.
    func beside(_ own: [any ExplanationMethod], attention: Bool) -> MapRecipe {
        var recipe = self
        let baseline = ModelAttention()
        let isWanted = attention && !isCounterfactual && !own.contains { $0.name == baseline.name }
        recipe.methods = own + (isWanted ? [baseline] : [])
        return recipe
    }
}
