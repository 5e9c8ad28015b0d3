import vue from "@vitejs/plugin-vue";
import { defineConfig } from "vite";

// So that Vue leaves the element to the browser.
const isCustomElement = (tag) => tag.startsWith("partway-");

export default defineConfig({ plugins: [vue({ template: { compilerOptions: { isCustomElement } } })] });
